import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { down } from '../../src/local-cluster/down.ts';
import { leftovers } from '../../src/local-cluster/leftovers.ts';
import { startProvider } from '../../src/local-cluster/provider/provider-process.ts';
import { REGULAR_NODE, startRegularNode } from '../../src/local-cluster/regular-node.ts';
import { type LocalCluster, up } from '../../src/local-cluster/up.ts';
import { machines } from '../support/cells.ts';
import { dashboardQueries } from '../support/dashboard.ts';
import { toolsOf } from '../support/kubectl.ts';
import { WEB_IMAGE } from '../support/objects.ts';
import { prometheusImage, promQuery, promRules } from '../support/prometheus.ts';
import { localVolume, prometheusServer } from '../support/prometheus-server.ts';
import { rules, seriesIn } from '../support/rules.ts';
import { eventually } from '../support/wait.ts';

/** What was shown on a stage with the first nodeless clusters: a Prometheus that stays, and cells that come with pods. */
const CLUSTER = 'talk';
const tools = toolsOf(CLUSTER);
const { kubectl, apply, get } = tools;
const { signal } = new AbortController();
const progress = ({ step, detail }: { step: string; detail: string }) => console.log(`${step}: ${detail}`);
/** Pods that a cell's kubelet tells of. */
const PODS_ON_CELLS =
  'count(count by (pod) (container_memory_working_set_bytes{container!="",namespace="default",node="nodeless"}))';

/** A series that nobody has. */
const NO_SERIES = 'nodeless_none_such_total';

const POOL = {
  apiVersion: 'nodeless.io/v1alpha1',
  kind: 'WarmPool',
  metadata: { name: 'pooled' },
  spec: {
    shape: { cpu: '50m', memory: '64Mi' },
    selector: { matchLabels: { app: 'pooled' } },
    startupSla: { target: '60s' },
    min: 1,
    max: 2,
  },
};

interface TalkPod {
  readonly metadata: { readonly name: string; readonly uid: string; readonly annotations?: Record<string, string> };
  readonly spec: { readonly nodeName: string };
  readonly status: { readonly hostIP: string };
}

/** Replicas that say nothing about where they go. */
function deployment(name: string, spec: object = {}, replicas = 3): object {
  const labels = { app: name };
  const requests = { cpu: '50m', memory: '64Mi' };
  const containers = [{ name: 'web', image: WEB_IMAGE, resources: { requests } }];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 1, containers, ...spec } },
    },
  };
}

function apartFrom(app: string): object {
  const term = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app } } };
  return { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } };
}

async function podsOf(app: string): Promise<readonly TalkPod[]> {
  return (await get<{ items: readonly TalkPod[] }>('pods', '-l', `app=${app}`)).items;
}

async function rolledOut(name: string): Promise<void> {
  await kubectl('rollout', 'status', name, '--timeout=120s');
}

let cluster: LocalCluster;

beforeAll(async () => {
  cluster = await up({ name: CLUSTER, replace: true, progress, signal });
  const images = [...cluster.images, ...(await prometheusImage(progress, signal))];
  await startRegularNode({ paths: cluster.paths, images, progress, signal });
  await startProvider({ cluster, signal, config: { metrics: { perCell: true } } });
  const data = join(cluster.paths.stateDir, 'volumes', 'prometheus');
  await mkdir(data, { recursive: true });
  await apply(...localVolume(data), ...(await prometheusServer(tools, cluster.address)));
  await apply(deployment('sales'));
  await rolledOut('deployment/sales');
  await rolledOut('statefulset/prometheus');
});

afterAll(async () => {
  await down({ name: CLUSTER });
  expect(await leftovers({ name: CLUSTER })).toEqual([]);
});

test('a Prometheus with a volume stays on the regular node; what is stateless has a cell for each pod', async () => {
  const [server] = await podsOf('prometheus');
  expect([server?.spec.nodeName, server?.metadata.annotations?.['nodeless.io/decision']]).toEqual([
    REGULAR_NODE,
    expect.stringContaining('persistent-volume'),
  ]);
  const sales = await podsOf('sales');
  expect(sales.map(({ spec }) => spec.nodeName)).toEqual(['nodeless', 'nodeless', 'nodeless']);
  expect(new Set(sales.map(({ status }) => status.hostIP)).size).toBe(3);
});

test('nginx in three replicas that may not share a host takes the cells from 3 to 6, and Prometheus sees them', async () => {
  const seen = (count: number) =>
    eventually(
      `Prometheus sees ${count} pods`,
      async () => (await promQuery(tools, 'prometheus-0', PODS_ON_CELLS)).includes(count),
      90_000,
    );
  expect(await machines(CLUSTER)).toHaveLength(3);
  await seen(3);
  await apply(deployment('nginx', apartFrom('nginx')));
  await rolledOut('deployment/nginx');
  expect(new Set((await podsOf('nginx')).map(({ status }) => status.hostIP)).size).toBe(3);
  expect(await machines(CLUSTER)).toHaveLength(6);
  await seen(6);
});

test('every panel of the dashboard has something to show', async () => {
  const queries = await dashboardQueries();
  await apply(POOL);
  await kubectl('wait', 'warmpool/pooled', '--for=jsonpath={.status.ready}=1', '--timeout=90s');
  await apply(deployment('pooled', {}, 1));
  await rolledOut('deployment/pooled');
  // Rates begin with the second start that is counted.
  const started = 'nodeless_pool_starts_in_time_total{pool="pooled"}';
  const seen = async () => (await promQuery(tools, 'prometheus-0', started)).includes(1);
  await eventually('Prometheus sees a start from a pool', seen);
  await kubectl('scale', 'deployment/pooled', '--replicas=2');
  expect(queries.length).toBeGreaterThan(30);
  const empty = async () => {
    // Reviews of pods go on: the rate of what has happened before the first scrape is none.
    await kubectl('run', 'reviewed', `--image=${WEB_IMAGE}`, '--dry-run=server');
    const found: string[] = [];
    for (const { panel, expr } of queries) {
      const values = await promQuery(tools, 'prometheus-0', expr);
      if (!values.some((value) => Number.isFinite(value))) found.push(`${panel}: ${expr}`);
    }
    return found;
  };
  await expect.poll(empty, { timeout: 90_000, interval: 5_000 }).toEqual([]);
});

test('every rule is evaluated without an error, over series that there are, and those that record have recorded', async () => {
  // Series of pods that wait are there while one does.
  const nowhere = { nodeSelector: { 'node.kubernetes.io/instance-type': 'none-such' } };
  await apply(deployment('waits', nowhere));
  const loaded = await rules();
  const ofOthers = ['kube_node_status_condition'];
  const asked = [...new Set(loaded.flatMap(({ expr }) => seriesIn(expr)))].filter((name) => !ofOthers.includes(name));
  expect(asked.length).toBeGreaterThan(10);
  const wrong = async () => {
    const evaluated = await promRules(tools, 'prometheus-0');
    expect(evaluated.map(({ name }) => name).sort()).toEqual(loaded.map(({ record, alert }) => record ?? alert).sort());
    const found = evaluated
      .filter(({ health }) => health !== 'ok')
      .map(({ name, lastError }) => `${name}: ${lastError}`);
    for (const series of [...asked, NO_SERIES]) {
      if ((await promQuery(tools, 'prometheus-0', `last_over_time(${series}[15m])`)).length === 0) found.push(series);
    }
    for (const { record } of loaded) {
      if (record === undefined) continue;
      const values = await promQuery(tools, 'prometheus-0', record);
      if (!values.some((value) => Number.isFinite(value))) found.push(`${record} has no data`);
    }
    return found;
  };
  // That one is found out says that the others are there.
  await expect.poll(wrong, { timeout: 90_000, interval: 5_000 }).toEqual([NO_SERIES]);
  await kubectl('delete', 'deployment', 'waits');
});

test('a StatefulSet on the regular node has its data after a restart of its pod', async () => {
  const then = Math.floor(Date.now() / 1_000);
  const known = () => promQuery(tools, 'prometheus-0', 'up{job="prometheus"}', then);
  expect(await known()).toEqual([1]);
  const [before] = await podsOf('prometheus');
  await kubectl('delete', 'pod', 'prometheus-0', '--wait');
  await rolledOut('statefulset/prometheus');
  const [after] = await podsOf('prometheus');
  expect([after?.metadata.uid === before?.metadata.uid, after?.spec.nodeName]).toEqual([false, REGULAR_NODE]);
  await eventually('what was known is known', async () => (await known()).includes(1));
});
