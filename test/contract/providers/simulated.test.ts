import { createHash } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import type { LaunchRequest } from '../../../providers/contract.ts';
import { kubeletRequest } from '../../../providers/simulated/certificate-request.ts';
import {
  createSimulatedCloud,
  type SimulatedCloud,
  type SimulatedCloudOptions,
} from '../../../providers/simulated/cloud.ts';
import { simulatedOfferings } from '../../../providers/simulated/offerings.ts';
import { drawLatency, seededRandom } from '../../../src/core/seeded-random.ts';
import { cellClass } from '../../support/cell-class.ts';
import { createStandInAuthority } from './stand-in-authority.ts';
import { type StandInCellApi, startStandInCellApi } from './stand-in-cell-api.ts';

const WAIT = { timeout: 10_000, interval: 20 };
const soon = () => AbortSignal.timeout(10_000);
const FAST = { p50Ms: 5, p95Ms: 10 };

describe('simulated cells', () => {
  let api: StandInCellApi | undefined;
  let cloud: SimulatedCloud | undefined;

  async function open(options: SimulatedCloudOptions = {}): Promise<{ api: StandInCellApi; cloud: SimulatedCloud }> {
    api = await startStandInCellApi();
    cloud = createSimulatedCloud({ podStartLatency: FAST, podStopLatency: FAST, ...options });
    return { api, cloud };
  }

  function request(cellId: string, from: { api: StandInCellApi; cloud: SimulatedCloud }): LaunchRequest {
    const [offering] = from.cloud.offerings;
    if (offering === undefined) throw new Error('no offerings');
    from.api.store.put('/api/v1/nodes', { metadata: { name: cellId }, spec: {}, status: {} });
    return {
      offering,
      cellClass: cellClass(),
      tags: { clusterUid: 'cluster', virtualNode: 'vnode', cellId, pod: 'default/web', podUid: 'uid' },
      bootstrap: {
        cellApiUrl: from.api.url,
        caPem: from.api.caPem,
        nodeName: cellId,
        clusterDns: '10.96.0.10',
        clusterDomain: 'cluster.local',
      },
    };
  }

  function podOn(nodeName: string) {
    return {
      metadata: { name: `pod-${nodeName}`, namespace: 'default', uid: `uid-${nodeName}` },
      spec: { nodeName, containers: [{ name: 'main', image: 'image' }] },
      status: {},
    };
  }

  const podStatus = (name: string) =>
    api?.store.get('/api/v1/pods', `pod-${name}`)?.status as
      | { phase?: string; podIP?: string; conditions?: { type: string; status: string }[] }
      | undefined;

  afterEach(async () => {
    await cloud?.close();
    await api?.close();
  });

  test('a cell bootstraps by its token, and acts by its certificate from then on', async () => {
    const both = await open();
    await both.cloud.launch(request('c-1', both), soon());
    await both.api.request(({ method, url }) => method === 'POST' && url.includes('/leases'), 5_000);
    const [first, ...others] = both.api.requests;
    expect(first).toMatchObject({ method: 'POST', token: both.cloud.tokenOf('c-1') });
    for (const each of others) {
      expect(each.token).toBeUndefined();
      expect(each.user).toBe('system:node:c-1');
    }
  });

  test('a node reports the allocatable of its offering, and a lease', async () => {
    const both = await open();
    const asked = request('c-1', both);
    await both.cloud.launch(asked, soon());
    await both.api.request(({ method, url }) => method === 'POST' && url.includes('/leases'), 5_000);
    expect(both.api.store.get('/api/v1/nodes', 'c-1')?.status).toMatchObject({
      allocatable: { cpu: '250m', memory: '512Mi' },
    });
  });

  test('a pod that is there at boot, and one that comes later, become Ready with addresses of their own', async () => {
    const both = await open();
    both.api.store.put('/api/v1/pods', podOn('c-1'));
    await both.cloud.launch(request('c-1', both), soon());
    await both.cloud.launch(request('c-2', both), soon());
    await expect.poll(() => podStatus('c-1')?.phase, WAIT).toBe('Running');
    both.api.store.put('/api/v1/pods', podOn('c-2'));
    await expect.poll(() => podStatus('c-2')?.phase, WAIT).toBe('Running');
    expect(podStatus('c-1')?.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }));
    expect(podStatus('c-1')?.podIP).not.toBe(podStatus('c-2')?.podIP);
  });

  test('a pod with a deletion timestamp is deleted by its cell', async () => {
    const both = await open();
    both.api.store.put('/api/v1/pods', podOn('c-1'));
    await both.cloud.launch(request('c-1', both), soon());
    await expect.poll(() => podStatus('c-1')?.phase, WAIT).toBe('Running');
    const pod = both.api.store.get('/api/v1/pods', 'pod-c-1');
    if (pod === undefined) throw new Error('the pod is gone');
    const metadata = { ...pod.metadata, deletionTimestamp: new Date().toISOString() };
    both.api.store.put('/api/v1/pods', { ...pod, metadata });
    await expect.poll(() => both.api.store.get('/api/v1/pods', 'pod-c-1'), WAIT).toBeUndefined();
  });

  test('failures come at the configured rate, with the configured code, and leave no machine', async () => {
    const both = await open({ failure: { rate: 0.5, code: 'InsufficientCapacity' } });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 40 }, (_, at) => both.cloud.launch(request(`c-${at}`, both), soon())),
    );
    const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(failed.length).toBeGreaterThan(8);
    expect(failed.length).toBeLessThan(32);
    for (const { reason } of failed) expect(reason).toMatchObject({ code: 'InsufficientCapacity', retryable: true });
    expect(both.cloud.list()).toHaveLength(40 - failed.length);
  });

  test('a zone that is exhausted has no machine for anybody, until it is not, and other zones have', async () => {
    const both = await open({ offerings: simulatedOfferings(['a', 'b']), exhaustedZones: ['a'] });
    const launch = (cellId: string, zone: string) => {
      const offering = both.cloud.offerings.find((one) => one.zone === zone);
      return both.cloud.launch({ ...request(cellId, both), ...(offering === undefined ? {} : { offering }) }, soon());
    };
    await expect(launch('c-1', 'a')).rejects.toMatchObject({ code: 'InsufficientCapacity', retryable: true });
    expect((await launch('c-2', 'b')).zone).toBe('b');
    both.cloud.exhaust(['b']);
    expect((await launch('c-3', 'a')).zone).toBe('a');
    await expect(launch('c-4', 'b')).rejects.toMatchObject({ code: 'InsufficientCapacity' });
    expect((await launch('c-2', 'b')).tags.cellId).toBe('c-2');
  });

  test('after an ambiguous outcome the machine exists, and launching again finds it', async () => {
    const both = await open({ failure: { rate: 1, code: 'AmbiguousOutcome' } });
    const asked = request('c-1', both);
    await expect(both.cloud.launch(asked, soon())).rejects.toMatchObject({ code: 'AmbiguousOutcome' });
    expect(both.cloud.list()).toHaveLength(1);
    expect((await both.cloud.launch(asked, soon())).tags.cellId).toBe('c-1');
  });

  test('interruptions end machines, with a reason', async () => {
    const both = await open({ interruptionsPerHour: 36_000_000 });
    await both.cloud.launch(request('c-1', both), soon());
    await expect.poll(() => both.cloud.list()[0]?.state, WAIT).toBe('ended');
    expect(both.cloud.list()[0]?.reason).toContain('interrupted');
  });

  test('a cell waits out an outage of the cell API', async () => {
    const both = await open();
    const asked = request('c-1', both);
    const nowhere = { ...asked, bootstrap: { ...asked.bootstrap, cellApiUrl: 'https://127.0.0.1:1' } };
    await both.cloud.launch(nowhere, soon());
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(both.cloud.list()[0]?.state).toBe('running');
    await both.cloud.terminate('c-1');
    expect(both.cloud.list()).toEqual([]);
  });
});

describe('the randomness of the simulation', () => {
  test('is the same for the same seed', () => {
    const draw = (seed: number) => Array.from({ length: 5 }, seededRandom(seed));
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  test('has the percentiles that were asked for', () => {
    const random = seededRandom(1);
    const draws = Array.from({ length: 20_000 }, () => drawLatency({ p50Ms: 2_000, p95Ms: 9_000 }, random)).sort(
      (a, b) => a - b,
    );
    expect(draws[10_000]).toBeGreaterThan(1_900);
    expect(draws[10_000]).toBeLessThan(2_100);
    expect(draws[19_000]).toBeGreaterThan(8_500);
    expect(draws[19_000]).toBeLessThan(9_500);
  });
});

describe('the certificate request of a simulated kubelet', () => {
  test('is one that an authority signs, for the key whose fingerprint is told', async () => {
    const authority = await createStandInAuthority();
    const { requestPem, keyFingerprint, keyPem } = await kubeletRequest('a-node-with-a-rather-long-name'.repeat(4));
    const signed = await authority.sign(requestPem, 'client');
    expect(signed.fingerprint).toBe(keyFingerprint);
    expect(keyPem).toContain('PRIVATE KEY');
    expect(createHash('sha256').update('').digest('hex')).toHaveLength(keyFingerprint.length);
  });
});
