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
import { pod, service, webDeployment } from '../support/objects.ts';
import { identities } from '../support/pods.ts';
import { endComponent } from '../support/provider.ts';
import { eventually } from '../support/wait.ts';
import { PROVIDER_AWAY_MS } from './lengths.ts';
import { CLUSTER } from './setup.ts';

const tools = toolsOf(CLUSTER);
const { kubectl, tryKubectl, apply, get } = tools;
const cluster = inject('cluster');
const { paths } = cluster;

interface Slices {
  items: { endpoints: { conditions: { ready: boolean } }[] | null }[];
}

async function readyEndpoints(): Promise<number> {
  const { items } = await get<Slices>('endpointslices', '-l', 'kubernetes.io/service-name=web');
  return items.flatMap(({ endpoints }) => endpoints ?? []).filter(({ conditions }) => conditions.ready).length;
}

describe(`a provider that is away for ${PROVIDER_AWAY_MS / 1_000} s`, () => {
  let client: KubeClient;

  beforeAll(async () => {
    client = await adminClient(cluster);
    await startProvider({ cluster, signal: new AbortController().signal });
    await apply(webDeployment('web', 3), service('web'), pod('bare'));
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s');
    await kubectl('wait', 'pod/bare', '--for=condition=Ready', '--timeout=60s');
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

  test('costs no pod anything, and the endpoints are back at once', async () => {
    const before = await identities(tools);
    await signalComponent(paths, PROVIDER, 'SIGKILL');
    await waitForEnd(paths, PROVIDER, 5_000);
    await delay(PROVIDER_AWAY_MS);
    expect(await nodeReadiness(client, 'nodeless')).toBe('Unknown');
    expect(await readyEndpoints()).toBe(0);
    expect(await identities(tools)).toEqual(before);

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
    expect(await identities(tools)).toEqual(before);
  });
});
