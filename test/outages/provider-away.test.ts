import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { KubeClient } from '../../src/kube/client.ts';
import {
  readComponent,
  signalComponent,
  startComponent,
  waitForEnd,
} from '../../src/local-cluster/processes/component.ts';
import { adminClient, PROVIDER, startProvider } from '../../src/local-cluster/provider/provider-process.ts';
import { noMachines } from '../support/cells.ts';
import { toolsOf } from '../support/kubectl.ts';
import { nodeReadiness } from '../support/node-readiness.ts';
import { LEFT_TO_ROUTING, pod, service, webDeployment } from '../support/objects.ts';
import { identities, type PodIdentity } from '../support/pods.ts';
import { endComponent } from '../support/provider.ts';
import { eventually } from '../support/wait.ts';
import { PROVIDER_AWAY_MS } from './lengths.ts';
import { CLUSTER } from './setup.ts';

const tools = toolsOf(CLUSTER);
const { kubectl, tryKubectl, trySend, apply, get } = tools;
const cluster = inject('cluster');
const { paths } = cluster;

interface Slices {
  items: { endpoints: { conditions: { ready: boolean } }[] | null }[];
}

async function readyEndpoints(): Promise<number> {
  const { items } = await get<Slices>('endpointslices', '-l', 'kubernetes.io/service-name=web');
  return items.flatMap(({ endpoints }) => endpoints ?? []).filter(({ conditions }) => conditions.ready).length;
}

interface RoutedPods {
  items: { spec: { nodeName?: string; tolerations: { key?: string; tolerationSeconds?: number }[] } }[];
}

/** For how many seconds each pod that routing has sent to cells bears a node that is silent; undefined is for ever. */
async function patienceOfRouted(): Promise<readonly (readonly (number | undefined)[])[]> {
  const { items } = await get<RoutedPods>('pods', '-l', 'app=routed');
  expect(items.map(({ spec }) => spec.nodeName)).toEqual(['nodeless', 'nodeless']);
  const silence = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];
  return items.map(({ spec }) =>
    silence.map((key) => {
      const toleration = spec.tolerations.find((one) => one.key === key);
      return toleration === undefined ? 0 : toleration.tolerationSeconds;
    }),
  );
}

/** What routing decides of a pod that says nothing; undefined while the API server does not reach the webhook. */
async function decision(): Promise<string | undefined> {
  const asked = pod('asked', { spec: LEFT_TO_ROUTING });
  const { stdout } = await trySend(asked, 'create', '--dry-run=server', '-o', 'json', '-f', '-');
  const { metadata } = JSON.parse(stdout || '{"metadata":{}}') as {
    metadata: { annotations?: Record<string, string> };
  };
  return metadata.annotations?.['nodeless.io/decision'];
}

/** Nobody hears of readiness while no provider serves. */
const withoutReadiness = (all: readonly PodIdentity[]) => all.map(({ ready: _, ...rest }) => rest);

describe(`a provider that is away for ${PROVIDER_AWAY_MS / 1_000} s`, () => {
  let client: KubeClient;

  beforeAll(async () => {
    client = await adminClient(cluster);
    await startProvider({ cluster, signal: new AbortController().signal });
    await eventually('routing decides', async () => (await decision())?.startsWith('cell'));
    await apply(webDeployment('web', 3), service('web'), pod('bare'), webDeployment('routed', 2, LEFT_TO_ROUTING));
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=110s');
    await kubectl('rollout', 'status', 'deployment/routed', '--timeout=110s');
    await kubectl('wait', 'pod/bare', '--for=condition=Ready', '--timeout=110s');
    await eventually('the Service has its endpoints', async () => (await readyEndpoints()) === 3);
  });

  afterAll(async () => {
    try {
      await kubectl('delete', 'deployments,pods', '--all', '--wait', '--grace-period=1');
      await kubectl('delete', 'service', 'web');
      // Their kubelets may take a minute to come back and hear of it.
      await noMachines(CLUSTER, 150_000);
    } finally {
      await endComponent(CLUSTER, PROVIDER);
      await client.close();
    }
  });

  // Eviction would come after 350 s, which only the long form waits for.
  test('finds routed pods that bear its absence for ever, though nobody but routing has said so', async () => {
    const forEver = [undefined, undefined];
    expect(await patienceOfRouted()).toEqual([forEver, forEver]);
  });

  test('costs no pod anything, and the endpoints are back at once', async () => {
    const before = await identities(tools);
    expect(before.map(({ ready, deleting }) => ready && !deleting)).toEqual(Array(6).fill(true));
    await signalComponent(paths, PROVIDER, 'SIGKILL');
    await waitForEnd(paths, PROVIDER, 5_000);
    await delay(PROVIDER_AWAY_MS);
    expect(await nodeReadiness(client, 'nodeless')).toBe('Unknown');
    expect(await readyEndpoints()).toBe(0);
    expect(withoutReadiness(await identities(tools))).toEqual(withoutReadiness(before));

    const record = await readComponent(paths, PROVIDER);
    const startedAtMs = Date.now();
    await startComponent(paths, PROVIDER, record?.argv ?? []);
    await eventually('the node is Ready', async () => (await nodeReadiness(client, 'nodeless')) === 'True', 15_000);
    const readyAfterMs = Date.now() - startedAtMs;
    await eventually('the endpoints are back', async () => (await readyEndpoints()) === 3, 15_000);
    const routedAfterMs = Date.now() - startedAtMs;
    await eventually(
      'exec works',
      async () => (await tryKubectl('exec', 'bare', '--', 'echo', 'alive')).stdout === 'alive',
      15_000,
    );
    console.log(`after the restart: node Ready ${readyAfterMs} ms, endpoints ${routedAfterMs} ms`);
    await kubectl('wait', 'pods', '--all', '--for=condition=Ready', '--timeout=15s');
    expect(await identities(tools)).toEqual(before);
  });
});
