import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { parse } from 'yaml';
import { call, KubeStatusError } from '../../src/kube/calls.ts';
import { PROVIDER } from '../../src/local-cluster/provider/provider-process.ts';
import { clusterPaths } from '../../src/local-cluster/state.ts';
import { apiOf } from '../support/api.ts';
import { noMachines } from '../support/cells.ts';
import { toolsOf } from '../support/kubectl.ts';
import { killProvider, reconfigure, startProviderAgain } from '../support/provider.ts';
import { eventually } from '../support/wait.ts';
import { CLUSTER } from './global-setup.ts';

const PODS = 5_000;
const BUDGET = 100;
const IN_FLIGHT = 50;
const LONG_MS = 300_000;
const NAMESPACE = 'crowd';
const PODS_PATH = `/api/v1/namespaces/${NAMESPACE}/pods`;
const DECISION = 'nodeless.io/decision';
const FEW = { 'nodeless.io/cell-class': 'few' };

const tools = toolsOf(CLUSTER);
const { kubectl, apply, get } = tools;
const client = await apiOf(tools);

interface Pod {
  readonly metadata: { readonly name: string; readonly annotations?: Record<string, string> };
  readonly spec: { readonly nodeName?: string };
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly { type: string; status: string; reason?: string }[];
  };
}

/** A pod that asks for a cell, so that it is refused rather than sent elsewhere where nobody answers for it in time. */
function asking(name: string, labels: Record<string, string>): object {
  const resources = { requests: { cpu: '50m', memory: '64Mi' } };
  const containers = [{ name: 'main', image: 'registry.k8s.io/pause:3.10.1', resources }];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { ...labels, 'nodeless.io/placement': 'cell' } },
    spec: { terminationGracePeriodSeconds: 1, containers },
  };
}

/** Tried again where the API server did not wait for its webhooks, or its answer was lost. */
async function create(name: string, labels: Record<string, string>): Promise<void> {
  await eventually(`${name} is created`, async () => {
    const body = asking(name, labels);
    await call(client, { method: 'POST', path: PODS_PATH, body }).catch((error) => {
      if (!(error instanceof KubeStatusError && error.status === 409)) throw error;
    });
    return true;
  });
}

async function createAll(names: readonly string[], labels: Record<string, string>): Promise<void> {
  const left = [...names];
  const one = async () => {
    for (let name = left.pop(); name !== undefined; name = left.pop()) await create(name, labels);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, one));
}

const podsWhere = async (fieldSelector: string): Promise<readonly Pod[]> =>
  (await call<{ items: Pod[] }>(client, { method: 'GET', path: PODS_PATH, query: { fieldSelector } })).items;
const cellReadyReason = ({ status }: Pod): string | undefined =>
  status?.conditions?.find(({ type }) => type === 'nodeless.io/CellReady')?.reason;
const cells = async (): Promise<number> => (await get<{ items: readonly object[] }>('cells')).items.length;

/** The API server deletes them one after another, and gives up after a minute. */
async function deleteAll(): Promise<void> {
  const remove = async () => {
    await call(client, { method: 'DELETE', path: PODS_PATH, timeoutMs: LONG_MS });
    return true;
  };
  await eventually('all pods are deleted', remove, LONG_MS);
}

async function restart(): Promise<void> {
  await killProvider(CLUSTER);
  await startProviderAgain(CLUSTER);
}

describe('a crowd of pods', () => {
  let restore: () => Promise<void> = async () => undefined;

  beforeAll(async () => {
    await noMachines(CLUSTER);
    const file = join(clusterPaths({ name: CLUSTER }).configDir, `${PROVIDER}.yaml`);
    const { virtualNode } = parse(await readFile(file, 'utf8'));
    restore = await reconfigure(CLUSTER, {
      provider: 'simulated',
      simulated: { launchTime: '200ms', startTime: '200ms' },
      virtualNode: { ...virtualNode, capacity: { cpu: '1024', memory: '4Ti', pods: '6000' } },
    });
    await restart();
    await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
    await apply({
      apiVersion: 'nodeless.io/v1alpha1',
      kind: 'CellClass',
      metadata: { name: 'few' },
      spec: { budgets: { maxCells: BUDGET } },
    });
    await eventually('the virtual node has room for all of them', async () => {
      const { status } = await get<{ status: { allocatable: { pods: string } } }>('node', 'nodeless');
      return ['6000', '6k'].includes(status.allocatable.pods);
    });
    await eventually('pods of the namespace are routed', async () => {
      const query = { dryRun: 'All' };
      const pod = await call<Pod>(client, { method: 'POST', path: PODS_PATH, query, body: asking('probe', FEW) });
      return pod.metadata.annotations?.[DECISION]?.startsWith('cell');
    });
  });

  afterAll(async () => {
    await deleteAll();
    await kubectl('delete', 'namespace', NAMESPACE, '--ignore-not-found', '--wait=false');
    await eventually('its pods are gone', async () => (await podsWhere('')).length === 0, LONG_MS);
    await kubectl('delete', 'cellclass', 'few', '--ignore-not-found');
    await restore();
    await restart();
  }, 2 * LONG_MS);

  test('5,000 at once: each is bound, a budget’s worth runs, the others are told and have their turn, and all end', {
    timeout: 4 * LONG_MS,
  }, async () => {
    const names = Array.from({ length: PODS }, (_, index) => `one-${index}`);
    await createAll(names, FEW);
    await eventually(
      'a budget’s worth runs',
      async () => (await podsWhere('status.phase=Running')).length === BUDGET,
      LONG_MS,
    );
    await eventually(
      'all others are bound, and told why they wait',
      async () => {
        const waiting = await podsWhere('status.phase=Pending,spec.nodeName=nodeless');
        return waiting.filter((pod) => cellReadyReason(pod) === 'BudgetExceeded').length === PODS - BUDGET;
      },
      LONG_MS,
    );
    await eventually('a budget’s worth of cells', async () => (await cells()) === BUDGET);

    // Who is of another class does not stand in their queue.
    await createAll(['apart'], {});
    await kubectl('wait', 'pod/apart', '-n', NAMESPACE, '--for=condition=Ready', '--timeout=60s');

    const first = (await podsWhere('status.phase=Running')).map(({ metadata }) => metadata.name);
    const ended = first.filter((name) => name !== 'apart');
    await kubectl('delete', 'pods', '-n', NAMESPACE, '--wait=false', ...ended);
    await eventually(
      'as many others have taken their places',
      async () => {
        const running = (await podsWhere('status.phase=Running')).map(({ metadata }) => metadata.name);
        return running.length === BUDGET + 1 && !running.some((name) => ended.includes(name));
      },
      LONG_MS,
    );
    await eventually('as many cells as pods that run', async () => (await cells()) === BUDGET + 1);

    await deleteAll();
    await eventually('all pods are gone', async () => (await podsWhere('')).length === 0, LONG_MS);
    await eventually('all cells have ended', async () => (await cells()) === 0);
  });
});
