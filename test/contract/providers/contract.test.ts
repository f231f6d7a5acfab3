import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { CellProvider, LaunchRequest } from '../../../providers/contract.ts';
import { inRange } from '../../../providers/local/machine/addressing.ts';
import { covers } from '../../../src/core/resources.ts';
import { cellClass } from '../../support/cell-class.ts';
import { awsEc2Subject } from './aws-ec2/subject.ts';
import { localSubject } from './local-subject.ts';
import { simulatedSubject } from './simulated-subject.ts';
import type { CloudUnderTest } from './subject.ts';

const SUBJECTS = [simulatedSubject, awsEc2Subject, localSubject];
const TIMEOUT_MS = 60_000;
const soon = () => AbortSignal.timeout(30_000);

describe.each(SUBJECTS)(
  'the provider $name',
  ({ name, skipReason, boots, open }) => {
    if (skipReason !== undefined) {
      test.skip(`skipped: ${skipReason}`, () => {});
      return;
    }

    let cloud: CloudUnderTest;
    let provider: CellProvider;
    let count = 0;

    async function request(cellId = `cell-${++count}`): Promise<LaunchRequest> {
      const offerings = await provider.offerings(soon());
      const offering = offerings.find(({ allocatable }) => allocatable.memoryBytes >= 256 * 2 ** 20);
      if (offering === undefined) throw new Error('the provider offers nothing of 256Mi');
      return {
        offering,
        cellClass: cellClass(),
        tags: { clusterUid: 'cluster', virtualNode: 'vnode', cellId, pod: 'default/web', podUid: 'uid-1' },
        bootstrap: {
          cellApiUrl: cloud.cellApiUrl,
          caPem: cloud.caPem,
          nodeName: 'vnode',
          clusterDns: '10.96.0.10',
          clusterDomain: 'cluster.local',
        },
      };
    }

    const listed = async (by: CellProvider = provider) => (await by.list(soon())).map(({ tags }) => tags.cellId);
    const attest = (token: string, keyFingerprint: string, by: CellProvider = provider) =>
      by.attest({ token, keyFingerprint, remoteAddress: '10.200.0.18' }, soon());

    beforeAll(async () => {
      cloud = await open();
      provider = await cloud.provider();
    }, TIMEOUT_MS);

    afterEach(async () => {
      for (const machine of await provider.list(soon())) await provider.terminate(machine.tags.cellId, soon());
      expect(await cloud.remains()).toEqual([]);
    }, TIMEOUT_MS);

    afterAll(async () => {
      await provider.stop();
      await cloud.close();
    }, TIMEOUT_MS);

    test('is known by its name, and healthy', async () => {
      expect(provider.name).toBe(name);
      await provider.health(soon());
    });

    test('starting twice is safe', async () => {
      await provider.start(soon());
    });

    test('offerings have a price, and allocatable within their capacity', async () => {
      const offerings = await provider.offerings(soon());
      expect(offerings.length).toBeGreaterThan(0);
      for (const { pricePerHourUsd, capacity, allocatable, instanceType } of offerings) {
        expect(pricePerHourUsd, instanceType).toBeGreaterThan(0);
        expect(covers(capacity, allocatable), instanceType).toBe(true);
      }
    });

    test('offerings differ in type, launch type or zone', async () => {
      const names = (await provider.offerings(soon())).map((o) => `${o.instanceType}/${o.launchType}/${o.zone}`);
      expect(new Set(names).size).toBe(names.length);
    });

    test('a launched machine is what was asked for, with an address in the range of cells', async () => {
      const asked = await request();
      const machine = await provider.launch(asked, soon());
      expect(machine.tags).toEqual(asked.tags);
      expect(machine).toMatchObject({
        instanceType: asked.offering.instanceType,
        launchType: asked.offering.launchType,
        zone: asked.offering.zone,
        arch: asked.offering.arch,
        pricePerHourUsd: asked.offering.pricePerHourUsd,
        allocatable: asked.offering.allocatable,
      });
      expect(['launching', 'running']).toContain(machine.state);
      for (const address of machine.addresses) expect(inRange(address, cloud.cellCidr), address).toBe(true);
      const [seen] = await provider.list(soon());
      expect(seen?.addresses).toHaveLength(1);
    });

    test.skipIf(!boots)('a launched machine asks the cell API for a certificate by its token', async () => {
      const asked = await request();
      await provider.launch(asked, soon());
      await cloud.bootstrapped(asked.tags.cellId);
    });

    test('launching twice with one id gives one machine, also at the same time', async () => {
      const asked = await request();
      const [first, second] = await Promise.all([provider.launch(asked, soon()), provider.launch(asked, soon())]);
      const third = await provider.launch(asked, soon());
      expect(second.addresses).toEqual(first.addresses);
      expect(third.addresses).toEqual(first.addresses);
      expect(third.createdAtMs).toBe(first.createdAtMs);
      expect(await listed()).toEqual([asked.tags.cellId]);
    });

    test('a machine that waits in a pool is given to one pod, once, and every provider knows whose it is', async () => {
      if (provider.claim === undefined) return;
      const { tags, ...asked } = await request();
      const waiting = { ...tags, pod: '', podUid: '', pool: { name: 'web', uid: 'pool-1' } };
      await provider.launch({ ...asked, tags: waiting }, soon());
      const by = (uid: string) => ({ pod: `default/${uid}`, podUid: uid });
      const claims = await Promise.allSettled(['a', 'b'].map((uid) => provider.claim?.(tags.cellId, by(uid), soon())));
      const owners = claims.flatMap((claim) => (claim.status === 'fulfilled' ? [claim.value?.tags.podUid ?? ''] : []));
      expect(owners).toHaveLength(1);
      const [owner = ''] = owners;
      const refused = claims.find(({ status }) => status === 'rejected');
      expect(refused).toMatchObject({ reason: { code: 'Denied' } });
      const later = await cloud.provider();
      const [machine] = await later.list(soon());
      expect(machine?.tags).toEqual({ ...waiting, ...by(owner) });
      expect((await later.claim?.(tags.cellId, by(owner), soon()))?.tags.podUid).toBe(owner);
      await expect(later.claim?.('cell-unknown', by('c'), soon())).rejects.toMatchObject({ code: 'NotFound' });
    });

    test('a machine that is stopped has its disk, its id and its address, and nothing that runs; it is started again by any provider', async () => {
      expect(provider.stopMachine === undefined).toBe(provider.startMachine === undefined);
      const { stopMachine, startMachine } = provider;
      if (stopMachine === undefined || startMachine === undefined) return;
      const { tags, ...asked } = await request();
      const waiting = { ...tags, pod: '', podUid: '', pool: { name: 'web', uid: 'pool-1' } };
      const launched = await provider.launch({ ...asked, tags: waiting }, soon());
      await cloud.bootstrapped(tags.cellId);
      const stops = await Promise.all([stopMachine(tags.cellId, soon()), stopMachine(tags.cellId, soon())]);
      for (const stopped of stops) expect(stopped).toEqual({ ...launched, state: 'stopped' });
      const later = await cloud.provider();
      expect(await later.list(soon())).toEqual([{ ...launched, state: 'stopped' }]);
      expect((await provider.launch({ ...asked, tags: waiting }, soon())).state).toBe('stopped');
      expect((await later.startMachine?.(tags.cellId, soon()))?.state).toBe('running');
      expect((await later.startMachine?.(tags.cellId, soon()))?.addresses).toEqual(launched.addresses);
      expect((await provider.claim?.(tags.cellId, { pod: 'default/a', podUid: 'a' }, soon()))?.state).toBe('running');
      await stopMachine(tags.cellId, soon());
      await provider.terminate(tags.cellId, soon());
      expect(await listed()).toEqual([]);
      for (const change of [stopMachine, startMachine])
        await expect(change(tags.cellId, soon())).rejects.toMatchObject({ code: 'NotFound' });
    });

    test('machines launched at the same time have addresses of their own', async () => {
      const asked = await Promise.all([request(), request(), request()]);
      const machines = await Promise.all(asked.map((each) => provider.launch(each, soon())));
      expect(new Set(machines.flatMap(({ addresses }) => addresses)).size).toBe(3);
    });

    test('a launch is seen, and found again, by a new provider over the same cloud', async () => {
      const asked = await request();
      const machine = await provider.launch(asked, soon());
      const later = await cloud.provider();
      expect(await listed(later)).toEqual([asked.tags.cellId]);
      expect((await later.launch(asked, soon())).addresses).toEqual(machine.addresses);
      expect(await listed(later)).toEqual([asked.tags.cellId]);
    });

    test('machines go on when their provider stops, and the next one ends them', async () => {
      const asked = await request();
      const first = await cloud.provider();
      await first.launch(asked, soon());
      await first.stop();
      await cloud.bootstrapped(asked.tags.cellId);
      await provider.terminate(asked.tags.cellId, soon());
      expect(await listed()).toEqual([]);
      expect(await cloud.remains()).toEqual([]);
    });

    test('terminate is idempotent, also at the same time, and then the machine is not listed', async () => {
      const asked = await request();
      const { cellId } = asked.tags;
      await provider.launch(asked, soon());
      await Promise.all([provider.terminate(cellId, soon()), provider.terminate(cellId, soon())]);
      expect(await listed()).toEqual([]);
      await provider.terminate(cellId, soon());
      expect(await cloud.remains()).toEqual([]);
    });

    test('terminating a cell that nobody knows is no error', async () => {
      await provider.terminate('never-launched', soon());
      await provider.terminate('../no such name', soon());
    });

    test('a cell that is terminated while it is launched leaves nothing', async () => {
      const asked = await request();
      const launch = provider.launch(asked, soon()).catch(() => undefined);
      await provider.terminate(asked.tags.cellId, soon());
      await launch;
      await provider.terminate(asked.tags.cellId, soon());
      expect(await listed()).toEqual([]);
      expect(await cloud.remains()).toEqual([]);
    });

    test('an aborted launch leaves nothing, or a machine that is listed', async () => {
      for (const afterMs of [0, 5, 30, 60]) {
        const asked = await request();
        const launch = provider.launch(asked, AbortSignal.timeout(afterMs));
        await launch.catch(() => undefined);
        const machines = await provider.list(soon());
        if (machines.length === 0) expect(await cloud.remains()).toEqual([]);
        else expect(machines.map(({ tags }) => tags.cellId)).toEqual([asked.tags.cellId]);
        await provider.terminate(asked.tags.cellId, soon());
      }
    });

    test('an already aborted launch is refused', async () => {
      const asked = await request();
      await expect(provider.launch(asked, AbortSignal.abort())).rejects.toThrow();
      expect(await listed()).toEqual([]);
    });

    test.skipIf(!boots)(
      'a token is accepted from the first key that uses it, again from that key, and refused from any other',
      async () => {
        const asked = await request();
        const { cellId } = asked.tags;
        await provider.launch(asked, soon());
        await cloud.bootstrapped(cellId);
        const token = await cloud.token(cellId);
        expect(await attest(token, 'first')).toEqual({ outcome: 'accepted', cellId });
        expect(await attest(token, 'first')).toEqual({ outcome: 'accepted', cellId });
        expect(await attest(token, 'second')).toEqual({ outcome: 'reused', cellId });
        const later = await cloud.provider();
        expect(await attest(token, 'second', later)).toEqual({ outcome: 'reused', cellId });
        expect(await attest(token, 'first', later)).toEqual({ outcome: 'accepted', cellId });
      },
    );

    test.skipIf(!boots)('of many keys that use a token at the same time, one is accepted', async () => {
      const asked = await request();
      await provider.launch(asked, soon());
      const token = await cloud.token(asked.tags.cellId);
      const providers = [provider, await cloud.provider()];
      const tries = ['a', 'b', 'c', 'd', 'e', 'f'].map((key, at) => attest(token, key, providers[at % 2]));
      const outcomes = (await Promise.all(tries)).map(({ outcome }) => outcome);
      expect(outcomes.filter((outcome) => outcome === 'accepted')).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === 'reused')).toHaveLength(5);
    });

    test.skipIf(!boots)('an unknown token is unknown, and so is the token of a cell that is gone', async () => {
      const asked = await request();
      await provider.launch(asked, soon());
      const token = await cloud.token(asked.tags.cellId);
      const forged = `${asked.tags.cellId}.${'0'.repeat(64)}`;
      for (const other of ['', 'nonsense', '../../x', forged, `${token}0`]) {
        expect(await attest(other, 'key'), other).toEqual({ outcome: 'unknown' });
      }
      await provider.terminate(asked.tags.cellId, soon());
      expect(await attest(token, 'key')).toEqual({ outcome: 'unknown' });
    });

    test('a machine that ends by itself is told of as ended, with a reason, until it is terminated', async () => {
      const asked = await request();
      const { cellId } = asked.tags;
      await provider.launch(asked, soon());
      await cloud.kill(cellId);
      await expect.poll(async () => (await provider.list(soon()))[0]?.state, { timeout: 5_000 }).toBe('ended');
      const [machine] = await provider.list(soon());
      expect(machine?.reason).toMatch(/\w/);
      expect((await provider.launch(asked, soon())).state).toBe('ended');
      await provider.terminate(cellId, soon());
      expect(await listed()).toEqual([]);
    });
  },
  TIMEOUT_MS,
);
