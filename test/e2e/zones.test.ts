import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasCondition, type KubeObject } from '../../src/kube/objects.ts';
import { down } from '../../src/local-cluster/down.ts';
import { leftovers } from '../../src/local-cluster/leftovers.ts';
import { logPath, readComponent, signalComponent, waitForEnd } from '../../src/local-cluster/processes/component.ts';
import { startProvider } from '../../src/local-cluster/provider/provider-process.ts';
import { type LocalCluster, up } from '../../src/local-cluster/up.ts';
import { AUDIT_POLICY, denials, readAuditLog, requestsOfProvider } from '../support/audit.ts';
import { noMachines } from '../support/cells.ts';
import { toolsOf } from '../support/kubectl.ts';
import { startNodeless } from '../support/nodeless.ts';
import { WEB_IMAGE } from '../support/objects.ts';
import { eventually } from '../support/wait.ts';

/** A virtual node for each of two zones, and two replicas that share them. */
const CLUSTER = 'zones';
const tools = toolsOf(CLUSTER);
const { kubectl, tryKubectl, apply, get, inside } = tools;
const { signal } = new AbortController();
const progress = ({ step, detail }: { step: string; detail: string }) => console.log(`${step}: ${detail}`);

const ZONE = 'topology.kubernetes.io/zone';
const NODES = ['nodeless-a', 'nodeless-b'] as const;
/** Each replica has an address of its own, as pods have. */
const REPLICAS = { first: '172.30.255.11', second: '172.30.255.12' } as const;
type Replica = keyof typeof REPLICAS;

interface ZonePod {
  readonly metadata: { readonly name: string; readonly uid: string; readonly annotations?: Record<string, string> };
  readonly spec: { readonly nodeName?: string };
}

interface ZoneNode {
  readonly metadata: { readonly labels: Record<string, string> };
  readonly status: {
    readonly addresses: readonly { readonly type: string; readonly address: string }[];
    readonly daemonEndpoints: { readonly kubeletEndpoint: { readonly Port: number } };
  };
}

/** Replicas that are to be in different zones, as far as their rules let them. */
function spreadDeployment(name: string, replicas: number, rules: object = {}): object {
  const labels = { app: name };
  const requests = { cpu: '50m', memory: '64Mi' };
  const containers = [{ name: 'web', image: WEB_IMAGE, resources: { requests } }];
  const spread = { maxSkew: 1, topologyKey: ZONE, whenUnsatisfiable: 'DoNotSchedule', ...rules };
  const topologySpreadConstraints = [{ ...spread, labelSelector: { matchLabels: labels } }];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { terminationGracePeriodSeconds: 1, containers, topologySpreadConstraints },
      },
    },
  };
}

async function podsOf(app: string): Promise<readonly ZonePod[]> {
  return (await get<{ items: readonly ZonePod[] }>('pods', '-l', `app=${app}`)).items;
}

async function nodesOf(app: string): Promise<readonly (string | undefined)[]> {
  return (await podsOf(app)).map(({ spec }) => spec.nodeName).sort();
}

async function rolledOut(name: string): Promise<void> {
  await kubectl('rollout', 'status', `deployment/${name}`, '--timeout=90s');
}

async function remove(...names: readonly string[]): Promise<void> {
  await kubectl('delete', 'deployment,pod', '--ignore-not-found', '--wait', '--grace-period=1', ...names);
  for (const name of names) await eventually('its pods are gone', async () => (await podsOf(name)).length === 0);
}

let cluster: LocalCluster;

/** Starts a replica, and waits until it leads or waits to. */
async function replica(name: Replica): Promise<void> {
  const host = REPLICAS[name];
  const config = {
    virtualNode: { address: host },
    zones: { names: ['a', 'b'], rescheduleAfter: '3s', recoverAfter: '5s' },
    cellApi: { host },
    kubeletEndpoint: { host },
    webhook: { host },
    cells: { completedLinger: '2s', orphanAfter: '5s', censusEvery: '1s' },
    logLevel: 'debug',
  };
  await startProvider({ cluster, signal, replica: name, config });
  const log = () => readFile(logPath(cluster.paths, name), 'utf8').catch(() => '');
  await eventually(`the ${name} replica stands`, async () => /"(waiting to lead|leading)"/.test(await log()));
}

/** Which replica leads a virtual node. */
async function leaderOf(node: string): Promise<Replica | undefined> {
  const { spec } = await get<{ spec: { holderIdentity?: string } }>(
    'lease',
    `nodeless-${node}`,
    '-n',
    'nodeless-system',
  );
  for (const name of Object.keys(REPLICAS) as Replica[]) {
    const pid = (await readComponent(cluster.paths, name))?.process.pid;
    if (pid !== undefined && spec.holderIdentity?.includes(`_${pid}_`)) return name;
  }
  return undefined;
}

beforeAll(async () => {
  cluster = await up({ name: CLUSTER, replace: true, progress, signal, auditPolicy: AUDIT_POLICY });
  for (const address of Object.values(REPLICAS)) await inside('ip', 'address', 'add', `${address}/32`, 'dev', 'lo');
  await replica('first');
});

afterAll(async () => {
  const refused = denials(requestsOfProvider(await readAuditLog(CLUSTER).catch(() => [])));
  await down({ name: CLUSTER });
  expect(await leftovers({ name: CLUSTER })).toEqual([]);
  expect(refused).toEqual([]);
});

describe('a virtual node for each zone', () => {
  test('has the label of its zone and that of all, and ports of its own', async () => {
    const nodes = await Promise.all(NODES.map((name) => get<ZoneNode>('node', name)));
    const labels = nodes.map(({ metadata }) => [metadata.labels[ZONE], metadata.labels['nodeless.io/virtual-node']]);
    expect(labels).toEqual([
      ['a', 'nodeless'],
      ['b', 'nodeless'],
    ]);
    expect(nodes.map(({ status }) => status.daemonEndpoints.kubeletEndpoint.Port)).toEqual([10_250, 10_251]);
  });

  test('takes its share of pods that spread over zones, which say nothing about nodes', async () => {
    await apply(spreadDeployment('web', 4));
    await rolledOut('web');
    expect(await nodesOf('web')).toEqual([NODES[0], NODES[0], NODES[1], NODES[1]]);
    const cells = await kubectl(
      'get',
      'cells',
      '-o',
      'jsonpath={range .items[*]}{.status.zone} {.status.phase}\n{end}',
    );
    expect(cells.trim().split('\n').sort()).toEqual(['a running', 'a running', 'b running', 'b running']);
    for (const { metadata } of await podsOf('web'))
      expect((await tryKubectl('exec', metadata.name, '--', 'echo', 'alive')).stdout).toBe('alive');
    await remove('web');
    await noMachines(CLUSTER);
  });

  test('keeps a pod that selects its zone there', async () => {
    await apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'choosy', labels: { app: 'choosy' } },
      spec: {
        nodeSelector: { [ZONE]: 'b' },
        terminationGracePeriodSeconds: 1,
        containers: [{ name: 'web', image: WEB_IMAGE }],
      },
    });
    await kubectl('wait', 'pod/choosy', '--for=condition=Ready', '--timeout=60s');
    expect(await nodesOf('choosy')).toEqual([NODES[1]]);
    await remove('choosy');
  });
});

/** Whether the local cloud has capacity in a zone. */
async function setCapacity(zone: string, has: boolean): Promise<void> {
  const folder = join(cluster.paths.stateDir, 'cloud', 'exhausted-zones');
  await mkdir(folder, { recursive: true });
  await (has ? rm(join(folder, zone)) : writeFile(join(folder, zone), ''));
}

async function isTainted(node: string): Promise<boolean> {
  return (await kubectl('get', 'node', node, '-o', 'jsonpath={.spec.taints[*].key}')).includes('nodeless.io/exhausted');
}

interface PodEvents {
  readonly items: readonly {
    readonly reason: string;
    readonly message: string;
    readonly involvedObject: { readonly name: string };
  }[];
}

async function eventsOf(reason: string): Promise<PodEvents['items']> {
  return (await get<PodEvents>('events', '--field-selector', `reason=${reason}`)).items;
}

describe('a zone without capacity', () => {
  test('gets no new pods; those that wait there are made again elsewhere, and it recovers', async () => {
    await setCapacity('a', false);
    // By itself, so that nobody makes another of it: it is what finds out that there is capacity again.
    await apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'bare', labels: { app: 'bare' } },
      spec: {
        nodeSelector: { [ZONE]: 'a' },
        terminationGracePeriodSeconds: 1,
        containers: [{ name: 'web', image: WEB_IMAGE, resources: { requests: { cpu: '50m', memory: '64Mi' } } }],
      },
    });
    await apply(spreadDeployment('moving', 4, { nodeTaintsPolicy: 'Honor' }));
    await eventually('the node is tainted', () => isTainted(NODES[0]));
    await rolledOut('moving');
    expect(await nodesOf('moving')).toEqual(Array(4).fill(NODES[1]));
    expect(await isTainted(NODES[1])).toBe(false);
    const gone = await eventually('those that were bound there are told of', async () => {
      const names = new Set((await eventsOf('Rescheduled')).map(({ involvedObject }) => involvedObject.name));
      return names.size >= 2 && [...names][0];
    });
    const { stderr } = await startNodeless(tools.kubeconfig, ['why', gone], { timeoutMs: 60_000 });
    expect(stderr).toContain(`there is no pod ${gone} in namespace default any more`);
    expect(stderr).toContain('Rescheduled: zone a has no capacity');
    await eventually('who stays is told why', async () =>
      (await eventsOf('NotRescheduled')).some(({ message }) => message.includes('no controller would make another')),
    );
    expect(await nodesOf('bare')).toEqual([NODES[0]]);

    await setCapacity('a', true);
    const isReady = async () => hasCondition(await get<KubeObject>('pod', 'bare'), 'Ready');
    // What failed is left alone for up to three minutes.
    await eventually('who stayed runs', isReady, 200_000);
    await eventually('the node takes pods again', async () => !(await isTainted(NODES[0])));
    await remove('moving');
    await apply(spreadDeployment('again', 2, { nodeTaintsPolicy: 'Honor' }));
    await rolledOut('again');
    expect(await nodesOf('again')).toEqual([...NODES]);
    await remove('again', 'bare');
    await noMachines(CLUSTER);
  }, 420_000);
});

describe('two replicas that share two virtual nodes', () => {
  test('each take over what the other led, node by node', async () => {
    await replica('second');
    expect(await Promise.all(NODES.map(leaderOf))).toEqual(['first', 'first']);
    await signalComponent(cluster.paths, 'first', 'SIGKILL');
    await waitForEnd(cluster.paths, 'first', 5_000);
    const startedAtMs = Date.now();
    for (const node of NODES)
      await eventually(`the second replica leads ${node}`, async () => (await leaderOf(node)) === 'second', 30_000);
    console.log(`both are led again after ${Date.now() - startedAtMs} ms`);
    await apply(spreadDeployment('after', 2));
    await rolledOut('after');
    expect(await nodesOf('after')).toEqual([...NODES]);
    await remove('after');
    await noMachines(CLUSTER);
  });
});
