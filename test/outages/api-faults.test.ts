import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { seededRandom } from '../../src/core/seeded-random.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { freeze, thaw } from '../../src/local-cluster/control-plane.ts';
import { logPath } from '../../src/local-cluster/processes/component.ts';
import { adminClient, PROVIDER, startProvider } from '../../src/local-cluster/provider/provider-process.ts';
import { readRecord } from '../../src/local-cluster/state.ts';
import { machines, noMachines, watchForTwins } from '../support/cells.ts';
import { type FaultProxy, faultProxy } from '../support/fault-proxy.ts';
import { toolsOf } from '../support/kubectl.ts';
import { nodeReadiness, watchReadiness } from '../support/node-readiness.ts';
import { pod, webDeployment } from '../support/objects.ts';
import { identityOf } from '../support/pods.ts';
import { endComponent } from '../support/provider.ts';
import { eventually } from '../support/wait.ts';
import { API_SERVER_DOWN_MS, CUT_OFF_MS, FAULTY_MS } from './lengths.ts';
import { CLUSTER } from './setup.ts';

const tools = toolsOf(CLUSTER);
const { kubectl, tryKubectl, apply } = tools;
const cluster = inject('cluster');
const { paths } = cluster;
const { signal } = new AbortController();
/** A provider with a handful of pods asks a few times a second; a storm would be hundreds. */
const STORM_PER_SECOND = 60;

async function alive(): Promise<void> {
  const exec = () => tryKubectl('exec', 'steady', '--', 'echo', 'alive');
  await eventually('exec works', async () => (await exec()).stdout === 'alive');
}

async function rolledOut(replicas: number): Promise<void> {
  await kubectl('scale', 'deployment/web', `--replicas=${replicas}`);
  await kubectl('rollout', 'status', 'deployment/web', '--timeout=120s');
  await eventually('each pod has one machine', async () => (await machines(CLUSTER)).length === replicas + 1, 120_000);
}

describe('an API server that is not well', () => {
  let client: KubeClient;
  let proxy: FaultProxy;

  function rates(sinceMs: number): { readonly mean: number; readonly max: number } {
    const perSecond = proxy.ratesSince(sinceMs);
    const mean = perSecond.reduce((sum, rate) => sum + rate, 0) / Math.max(1, perSecond.length);
    return { mean: Number(mean.toFixed(1)), max: Math.max(0, ...perSecond) };
  }

  beforeAll(async () => {
    client = await adminClient(cluster);
    const random = seededRandom(7);
    const listenOn = (await readRecord(paths))?.hostAddress ?? '';
    const ca = await readFile(cluster.caFile, 'utf8');
    proxy = await faultProxy({ listenOn, apiServer: cluster.apiServerUrl, ca, random });
    const config = { cells: { completedLinger: '5s', orphanAfter: '10s', censusEvery: '2s' }, logLevel: 'debug' };
    const caFile = join(paths.configDir, 'fault-proxy.crt');
    await writeFile(caFile, proxy.ca);
    await startProvider({ cluster, signal, apiServer: { url: proxy.url, caFile }, config });
    await apply(pod('steady'), webDeployment('web', 1));
    await kubectl('wait', 'pod/steady', '--for=condition=Ready', '--timeout=60s');
    await rolledOut(1);
  });

  afterEach(() => proxy.set({}));

  afterAll(async () => {
    try {
      await kubectl('delete', 'deployments,pods', '--all', '--wait', '--grace-period=1');
      await noMachines(CLUSTER, 150_000);
    } finally {
      await endComponent(CLUSTER, PROVIDER);
      await proxy.close();
      await client.close();
    }
  });

  test('taking 2 s for each call, it loses nothing and its provider stays the leader', async () => {
    const before = await identityOf(tools, 'steady');
    const logged = (await readFile(logPath(paths, PROVIDER), 'utf8')).length;
    const readiness = watchReadiness(client, 'nodeless');
    const sinceMs = Date.now();
    proxy.set({ delayMs: 2_000 });
    await rolledOut(3);
    await rolledOut(1);
    console.log(`slow: ${JSON.stringify(rates(sinceMs))} requests a second`);
    expect(rates(sinceMs).max).toBeLessThan(STORM_PER_SECOND);
    expect(await identityOf(tools, 'steady')).toEqual(before);
    expect([...(await readiness.stop())]).toEqual(['True']);
    const log = (await readFile(logPath(paths, PROVIDER), 'utf8')).slice(logged);
    expect(log).not.toContain('the lease can not be renewed');
  });

  test('answering 429, 500 and 410 at random, not answering writes that it did, and cutting watches, it loses nothing, and nobody storms it', async () => {
    const before = await identityOf(tools, 'steady');
    const twins = watchForTwins(CLUSTER);
    const sinceMs = Date.now();
    proxy.set({ failureRate: 0.3, statuses: [429, 500, 410], lostAnswerRate: 0.2, cutWatchesAfterMs: 3_000 });
    let replicas = 1;
    while (Date.now() - sinceMs < FAULTY_MS) {
      replicas = replicas === 3 ? 1 : replicas + 1;
      await kubectl('scale', 'deployment/web', `--replicas=${replicas}`);
      await delay(5_000);
    }
    const measured = rates(sinceMs);
    proxy.set({});
    await rolledOut(2);
    console.log(`faulty for ${FAULTY_MS / 1_000} s: ${JSON.stringify(measured)} requests a second`);
    expect(measured.max).toBeLessThan(STORM_PER_SECOND);
    expect(await twins.stop()).toEqual([]);
    expect(await identityOf(tools, 'steady')).toEqual(before);
    await alive();
  });

  test(`cut off from it for ${CUT_OFF_MS / 1_000} s, cells go on, and all is as before afterwards`, async () => {
    const before = await identityOf(tools, 'steady');
    const sinceMs = Date.now();
    proxy.set({ down: true });
    await delay(CUT_OFF_MS);
    expect(await nodeReadiness(client, 'nodeless')).toBe('Unknown');
    const measured = rates(sinceMs);
    console.log(`cut off for ${CUT_OFF_MS / 1_000} s: ${JSON.stringify(measured)} tries a second`);
    expect(measured.max).toBeLessThan(STORM_PER_SECOND);
    proxy.set({});
    await eventually('the node is Ready', async () => (await nodeReadiness(client, 'nodeless')) === 'True', 20_000);
    await kubectl('wait', 'pod/steady', '--for=condition=Ready', '--timeout=20s');
    await alive();
    expect(await identityOf(tools, 'steady')).toEqual(before);
    await rolledOut(3);
  });

  test(`down for ${API_SERVER_DOWN_MS / 1_000} s, it finds everything as it was, and what is new is served at once`, async () => {
    const before = await identityOf(tools, 'steady');
    await freeze(paths, 'kube-apiserver');
    const sinceMs = Date.now();
    await delay(API_SERVER_DOWN_MS);
    const measured = rates(sinceMs);
    await thaw(paths, 'kube-apiserver');
    console.log(`down for ${API_SERVER_DOWN_MS / 1_000} s: ${JSON.stringify(measured)} tries a second`);
    expect(measured.max).toBeLessThan(STORM_PER_SECOND);
    await alive();
    await kubectl('wait', 'pod/steady', '--for=condition=Ready', '--timeout=20s');
    expect(await identityOf(tools, 'steady')).toEqual(before);
    await rolledOut(1);
    // Its kubelet was never cut off, so it hears of the deletion at once.
    await kubectl('delete', 'pod', 'steady', '--wait', '--timeout=20s');
  });
});
