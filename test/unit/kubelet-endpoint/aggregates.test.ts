import { request as httpsRequest } from 'node:https';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PodIdentity } from '../../../src/kubelet-endpoint/ports.ts';
import { createRig, type Rig } from './support/rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await createRig({ scrape: { cellTimeoutMs: 300, totalTimeoutMs: 1_500, concurrency: 4, maxBytes: 200_000 } });
});
afterEach(() => rig.close());

const A: PodIdentity = { namespace: 'ns', name: 'a', uid: 'uid-a' };
const B: PodIdentity = { namespace: 'ns', name: 'b', uid: 'uid-b' };
const AGENT: PodIdentity = { namespace: 'kube-system', name: 'agent', uid: 'uid-agent', isAgent: true };

type Pages = Readonly<Record<string, string>>;

/** A cell whose kubelet serves these pages; a path that is not among them never answers. */
async function cell(cellId: string, pods: PodIdentity[], pages: Pages) {
  const kubelet = await rig.kubelet({
    request: (request, response) => {
      const page = pages[request.url ?? ''];
      if (page !== undefined) response.end(page);
    },
  });
  rig.running.push({ cellId, address: '127.0.0.1', port: kubelet.port, pods });
  return kubelet;
}

function resource(pod: PodIdentity, cpu: number, memory: number): string {
  const labels = `namespace="${pod.namespace}",pod="${pod.name}"`;
  return [
    '# HELP container_start_time_seconds Start',
    '# TYPE container_start_time_seconds gauge',
    `container_start_time_seconds{container="c",${labels}} 1000`,
    '# TYPE pod_cpu_usage_seconds_total counter',
    `pod_cpu_usage_seconds_total{${labels}} ${cpu} 1700000000000`,
    '# TYPE pod_memory_working_set_bytes gauge',
    `pod_memory_working_set_bytes{${labels}} ${memory} 1700000000000`,
    '# TYPE node_cpu_usage_seconds_total counter',
    'node_cpu_usage_seconds_total 99999',
    '# TYPE node_memory_working_set_bytes gauge',
    'node_memory_working_set_bytes 99999',
    '# TYPE scrape_error gauge',
    'scrape_error 0',
    '',
  ].join('\n');
}

function value(body: string, series: string): number | undefined {
  const line = body.split('\n').find((text) => text.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.split(' ')[1]);
}

async function failures(): Promise<string> {
  const text = await rig.registry.getSingleMetricAsString('nodeless_kubelet_endpoint_cell_scrape_failures_total');
  return /total (\d+)/.exec(text)?.[1] ?? '';
}

describe('/metrics/resource', () => {
  const path = '/metrics/resource';

  test('holds the series of every cell, and the node as the sum of its pods', async () => {
    await cell('c1', [A], { [path]: resource(A, 10, 100) });
    await cell('c2', [B], { [path]: resource(B, 5, 50) });
    const { body, headers } = await rig.get(path);
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(value(body, 'pod_cpu_usage_seconds_total{namespace="ns",pod="a"}')).toBe(10);
    expect(value(body, 'pod_cpu_usage_seconds_total{namespace="ns",pod="b"}')).toBe(5);
    expect(value(body, 'node_cpu_usage_seconds_total')).toBe(15);
    expect(value(body, 'node_memory_working_set_bytes')).toBe(150);
    expect(value(body, 'scrape_error')).toBe(0);
    expect(body.match(/# TYPE pod_cpu_usage_seconds_total/g)).toHaveLength(1);
  });

  test("a cell that hangs costs its own numbers and its deadline, not the others' ", async () => {
    await cell('hung', [A], {});
    await cell('c2', [B], { [path]: resource(B, 5, 50) });
    const begun = performance.now();
    const { body } = await rig.get(path);
    expect(performance.now() - begun).toBeLessThan(1_000);
    expect(value(body, 'pod_cpu_usage_seconds_total{namespace="ns",pod="b"}')).toBe(5);
    expect(value(body, 'scrape_error')).toBe(1);
    expect(await failures()).toBe('1');
  });

  test('many hung cells cost at most the deadline of the whole, and the next time come last', async () => {
    for (let index = 0; index < 30; index++) await cell(`hung-${index}`, [A], {});
    await cell('good', [B], { [path]: resource(B, 5, 50) });
    const begun = performance.now();
    await rig.get(path);
    expect(performance.now() - begun).toBeLessThan(2_500);
    expect(value((await rig.get(path)).body, 'pod_cpu_usage_seconds_total{namespace="ns",pod="b"}')).toBe(5);
  });

  test("the node's CPU time never shrinks when a pod has gone, and its memory does", async () => {
    await cell('c1', [A], { [path]: resource(A, 10, 100) });
    await cell('c2', [B], { [path]: resource(B, 5, 50) });
    await rig.get(path);
    rig.running.shift();
    const { body } = await rig.get(path);
    expect(value(body, 'node_cpu_usage_seconds_total')).toBe(15);
    expect(value(body, 'node_memory_working_set_bytes')).toBe(50);
  });

  test('an agent that every cell runs under one name is added up, never there twice', async () => {
    await cell('c1', [A, AGENT], { [path]: resource(A, 10, 100) + resource(AGENT, 1, 7) });
    await cell('c2', [B, AGENT], { [path]: resource(B, 5, 50) + resource(AGENT, 2, 8) });
    const { body } = await rig.get(path);
    const series = 'pod_cpu_usage_seconds_total{namespace="kube-system",pod="agent"}';
    expect(body.split(series)).toHaveLength(2);
    expect(value(body, series)).toBe(3);
    expect(value(body, 'container_start_time_seconds{container="c",namespace="kube-system",pod="agent"}')).toBe(1000);
  });

  test('a cell speaks of its own pods only', async () => {
    await cell('liar', [A], {
      [path]: `${resource(B, 666, 666)}# TYPE up gauge\nup{namespace="ns",pod="a",job="apiserver"} 0\n${resource(A, 1, 1)}`,
    });
    const { body } = await rig.get(path);
    expect(body).not.toMatch(/ (666|99999)(\s|$)|pod="b"|apiserver/m);
    expect(value(body, 'node_cpu_usage_seconds_total')).toBe(1);
  });

  test('what the endpoint tells of the node no cell can replace or tell beside it, by labels or by another type', async () => {
    const labels = 'namespace="ns",pod="a"';
    const families = ['node_cpu_usage_seconds_total', 'node_memory_working_set_bytes', 'node_made_up', 'scrape_error'];
    const errors = ['resource_scrape_error', 'container_scrape_error'];
    const lies = [...families, ...errors].flatMap((name, index) => [
      `# TYPE ${name} ${index % 2 === 0 ? 'gauge' : 'counter'}`,
      `${name}{${labels}} 666`,
    ]);
    const page = `${lies.join('\n')}\n# TYPE pod_cpu_usage_seconds_total counter\npod_cpu_usage_seconds_total{${labels}} 1\n`;
    await cell('liar', [A], { [path]: page, '/metrics/cadvisor': page });
    const { body } = await rig.get(path);
    expect(body).not.toMatch(/ 666|made_up/);
    expect(body).toContain('# TYPE node_cpu_usage_seconds_total counter\nnode_cpu_usage_seconds_total 1 ');
    expect(body).toContain('# TYPE node_memory_working_set_bytes gauge\nnode_memory_working_set_bytes 0 ');
    expect(body).toContain('\nscrape_error 0\n');
    const cadvisor = (await rig.get('/metrics/cadvisor')).body;
    expect(cadvisor).not.toMatch(/ 666/);
    expect(cadvisor).toContain('# TYPE container_scrape_error gauge\ncontainer_scrape_error 0\n');
  });

  test('an answer without end counts as none', async () => {
    await cell('endless', [A], { [path]: resource(A, 1, 1).repeat(1_000) });
    const { body } = await rig.get(path);
    expect(body).not.toContain('pod="a"');
    expect(await failures()).toBe('1');
  });

  test('it is compressed for who takes that', async () => {
    for (let index = 0; index < 50; index++)
      rig.pods.push({ metadata: { name: `pod-${index}`, namespace: 'namespace' } });
    const options = {
      host: '127.0.0.1',
      port: rig.port,
      path: '/pods',
      ...rig.admin,
      rejectUnauthorized: false,
      agent: false as const,
    };
    const [encoding, bytes] = await new Promise<[string | undefined, Buffer]>((resolve) => {
      httpsRequest({ ...options, headers: { 'accept-encoding': 'br, gzip;q=0.5' } }, async (answer) => {
        resolve([answer.headers['content-encoding'], Buffer.concat(await answer.toArray())]);
      }).end();
    });
    expect(encoding).toBe('gzip');
    expect(gunzipSync(bytes).toString()).toContain('pod-49');
  });
});

describe('/metrics/cadvisor and /metrics/probes', () => {
  test("the machine's series are left out, and an agent's are told apart by cell", async () => {
    const page = [
      '# TYPE container_memory_usage_bytes gauge',
      'container_memory_usage_bytes{container="",id="/",image="",name="",namespace="",pod=""} 1',
      'container_memory_usage_bytes{container="",id="/system.slice",image="",name="",namespace="",pod=""} 2',
      'container_memory_usage_bytes{container="c",id="/kubepods/x",image="i",name="n",namespace="ns",pod="a"} 3',
      'container_memory_usage_bytes{container="c",id="/kubepods/y",image="i",name="n",namespace="kube-system",pod="agent"} 4',
      '# TYPE machine_cpu_cores gauge',
      'machine_cpu_cores{boot_id="b",machine_id="m",system_uuid="s"} 8',
      '',
    ].join('\n');
    await cell('c1', [A, AGENT], { '/metrics/cadvisor': page });
    await cell('c2', [AGENT], { '/metrics/cadvisor': page });
    const { body } = await rig.get('/metrics/cadvisor');
    expect(body.split('\n').filter((line) => line.startsWith('container_memory'))).toEqual([
      'container_memory_usage_bytes{container="c",id="/kubepods/x",image="i",name="n",namespace="ns",pod="a"} 3',
      'container_memory_usage_bytes{cell="c1",container="c",id="/kubepods/y",image="i",name="n",namespace="kube-system",pod="agent"} 4',
      'container_memory_usage_bytes{cell="c2",container="c",id="/kubepods/y",image="i",name="n",namespace="kube-system",pod="agent"} 4',
    ]);
    expect(body).not.toContain('machine_cpu_cores');
  });

  test("an agent's series are the same on its first cell, on the second beside it, and on the one that is left", async () => {
    const series = (cellId: string) =>
      `container_memory_usage_bytes{cell="${cellId}",container="c",namespace="kube-system",pod="agent"} 4`;
    const page =
      '# TYPE container_memory_usage_bytes gauge\ncontainer_memory_usage_bytes{container="c",namespace="kube-system",pod="agent"} 4\n';
    const seen = async () =>
      (await rig.get('/metrics/cadvisor')).body.split('\n').filter((line) => line.startsWith('container_memory'));
    await cell('c1', [AGENT], { '/metrics/cadvisor': page });
    expect(await seen()).toEqual([series('c1')]);
    await cell('c2', [AGENT], { '/metrics/cadvisor': page });
    expect(await seen()).toEqual([series('c1'), series('c2')]);
    rig.running.shift();
    expect(await seen()).toEqual([series('c2')]);
  });

  test('probe results of another uid are left out', async () => {
    const line = (uid: string) =>
      `prober_probe_total{container="c",namespace="ns",pod="a",pod_uid="${uid}",probe_type="Liveness",result="successful"} 1`;
    await cell('c1', [A], {
      '/metrics/probes': `# TYPE prober_probe_total counter\n${line('uid-x')}\n${line('uid-a')}\n`,
    });
    const { body } = await rig.get('/metrics/probes');
    expect(body).toBe(`# TYPE prober_probe_total counter\n${line('uid-a')}\n`);
  });
});

describe('/stats/summary', () => {
  const path = '/stats/summary';
  const time = '2026-01-01T00:00:00Z';
  const stats = (podRef: unknown, extra = {}) => ({
    podRef,
    startTime: time,
    containers: [{ name: 'c', cpu: { time, usageNanoCores: 5 }, memory: { time, workingSetBytes: 10 } }],
    cpu: { time, usageNanoCores: 5, usageCoreNanoSeconds: 2e9 },
    memory: { time, workingSetBytes: 10, usageBytes: 20 },
    ...extra,
  });
  const page = (...pods: unknown[]) => JSON.stringify({ node: { nodeName: 'x', cpu: { usageNanoCores: 1e9 } }, pods });

  test('pods of all cells are there once, and the node is their sum', async () => {
    await cell('c1', [A, AGENT], { [path]: page(stats(A), stats(AGENT)) });
    await cell('c2', [B, AGENT], { [path]: page(stats(B), stats(AGENT)) });
    const summary = JSON.parse((await rig.get(path)).body);
    expect(summary.pods.map(({ podRef }: { podRef: PodIdentity }) => podRef.uid).sort()).toEqual([
      'uid-a',
      'uid-agent',
      'uid-b',
    ]);
    expect(summary.node).toMatchObject({
      nodeName: 'vnode',
      cpu: { usageNanoCores: 20, usageCoreNanoSeconds: 8e9 },
      memory: { workingSetBytes: 40, usageBytes: 80 },
    });
  });

  test('only_cpu_and_memory goes to the cells', async () => {
    const kubelet = await cell('c1', [A], { [`${path}?only_cpu_and_memory=true`]: page(stats(A)) });
    const summary = JSON.parse((await rig.get(`${path}?only_cpu_and_memory=true`)).body);
    expect(summary.pods).toHaveLength(1);
    expect(kubelet.seen[0]?.url).toBe(`${path}?only_cpu_and_memory=true`);
  });

  test('what a cell lies about is left out, whatever it does to the types', async () => {
    const strange = stats(A, {
      cpu: { time: 'yesterday', usageNanoCores: '5', usageCoreNanoSeconds: 2 ** 64 },
      memory: { time, usageBytes: -1, workingSetBytes: 2 ** 63, rssBytes: 1.5 },
      network: 'none',
      surprise: { deep: true },
    });
    await cell('liar', [A], { [path]: page(stats(B), stats({ ...A, uid: 'other' }), null, 7, strange, strange) });
    await cell('liar2', [AGENT], { [path]: page(stats(AGENT, { memory: { usageBytes: 2 ** 63 } })) });
    await cell('nonsense', [B], { [path]: '<html>' });
    const answer = await rig.get(path);
    const summary = JSON.parse(answer.body);
    expect(summary.pods).toHaveLength(2);
    expect(summary.pods.find(({ podRef }: { podRef: PodIdentity }) => podRef.uid === 'uid-a')).toEqual({
      podRef: A,
      startTime: time,
      containers: [{ name: 'c', cpu: { time, usageNanoCores: 5 }, memory: { time, workingSetBytes: 10 } }],
      cpu: {},
      memory: { time, workingSetBytes: 2 ** 63 },
    });
    expect(summary.node.memory.workingSetBytes).toBe(0);
    expect(await failures()).toBe('1');
  });
});

describe('lists of pods', () => {
  test('/pods is what is bound to the node, as a PodList', async () => {
    rig.pods.push({ metadata: { name: 'a', namespace: 'ns' } });
    expect(JSON.parse((await rig.get('/pods')).body)).toEqual({
      kind: 'PodList',
      apiVersion: 'v1',
      metadata: {},
      items: [{ metadata: { name: 'a', namespace: 'ns' } }],
    });
  });

  test('/runningpods/ is what the cells run of their own pods', async () => {
    const pod = (identity: unknown) => ({
      metadata: identity,
      spec: { containers: [{ name: 'c', image: 'i', x: 1 }] },
      status: 3,
    });
    await cell('c1', [A], { '/runningpods/': JSON.stringify({ items: [pod(A), pod(B), null] }) });
    const { items } = JSON.parse((await rig.get('/runningpods/')).body);
    expect(items).toEqual([
      {
        metadata: { ...A, creationTimestamp: null },
        spec: { containers: [{ name: 'c', image: 'i', resources: {} }] },
        status: {},
      },
    ]);
  });
});
