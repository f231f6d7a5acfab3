import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { quote } from '../../../providers/kubelet/shell.ts';
import { createAddressBook } from '../../../providers/local/address-book.ts';
import { createCellStore } from '../../../providers/local/cell-store.ts';
import {
  DEFAULT_RANGES,
  inRange,
  machineAddresses,
  machineCount,
} from '../../../providers/local/machine/addressing.ts';
import { hierarchyOf, isUnified, parseHierarchies } from '../../../providers/local/machine/cgroup-hierarchies.ts';
import { cpuLimitFile } from '../../../providers/local/machine/cgroups.ts';
import { linkName } from '../../../providers/local/machine/network.ts';
import { parseStat } from '../../../providers/local/machine/process-identity.ts';
import { localOfferings } from '../../../providers/local/offerings.ts';
import { missingPrerequisites } from '../../../providers/local/prerequisites.ts';
import { createLocalProvider } from '../../../providers/local/provider.ts';
import { routerScript } from '../../../providers/local/router.ts';

const GiB = 2 ** 30;

describe('addresses of machines', () => {
  test('are one /32 and one /27 each, and never overlap', () => {
    expect(machineAddresses(DEFAULT_RANGES, 0)).toEqual({ address: '10.200.0.2', podCidr: '10.244.0.0/27' });
    expect(machineAddresses(DEFAULT_RANGES, 16)).toEqual({ address: '10.200.0.18', podCidr: '10.244.2.0/27' });
    const all = Array.from({ length: machineCount(DEFAULT_RANGES) }, (_, index) =>
      machineAddresses(DEFAULT_RANGES, index),
    );
    expect(all).toHaveLength(2048);
    expect(new Set(all.map(({ address }) => address)).size).toBe(all.length);
    expect(new Set(all.map(({ podCidr }) => podCidr)).size).toBe(all.length);
    for (const { address, podCidr } of all) {
      expect(inRange(address, DEFAULT_RANGES.cellCidr)).toBe(true);
      expect(inRange(podCidr.split('/')[0] ?? '', DEFAULT_RANGES.podCidr)).toBe(true);
    }
  });

  test('fit into the name of a link', () => {
    expect(linkName('a-cluster-with-a-name-of-30-ch', 2047).length).toBeLessThanOrEqual(15);
    expect(linkName('one', 1)).not.toBe(linkName('two', 1));
  });

  test('a range that is none is refused', () => {
    expect(() => inRange('10.0.0.1', '10.0.0.0')).toThrow(/not an IPv4 range/);
    expect(() => inRange('10.0.0.256', '10.0.0.0/8')).toThrow(/not an IPv4 range/);
  });
});

describe('cgroup hierarchies', () => {
  const HYBRID = `31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw`;
  const UNIFIED = '35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot';
  const limits = { cpuMilli: 350, memoryBytes: GiB };

  test('of a hybrid machine hold their controllers, and can be mounted again by them', () => {
    const found = parseHierarchies(HYBRID);
    expect(found.map(({ mountPoint }) => mountPoint.split('/').at(-1))).toEqual([
      'cpu',
      'memory',
      'systemd',
      'unified',
    ]);
    expect(found.map(({ controllers }) => controllers.join())).toEqual([
      'cpu,cpuacct',
      'memory',
      'none,name=systemd',
      '',
    ]);
    expect(isUnified(found)).toBe(false);
    expect(hierarchyOf(found, 'cpuacct')?.mountPoint).toBe('/sys/fs/cgroup/cpu');
    expect(cpuLimitFile(found, '/x', limits)).toEqual({
      path: '/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us',
      value: '35000',
    });
  });

  test('of a machine with version 2 alone are one', () => {
    const found = parseHierarchies(UNIFIED);
    expect(isUnified(found)).toBe(true);
    expect(cpuLimitFile(found, '/x', limits)).toEqual({ path: '/sys/fs/cgroup/x/cpu.max', value: '35000 100000' });
  });
});

describe('the identity of a process', () => {
  test('is read from a stat line whatever the program is called', () => {
    const fields = Array.from({ length: 40 }, (_, index) => String(index + 100)).join(' ');
    expect(parseStat(`1234 (a) (b c) S ${fields}`)).toEqual({ pid: 1234, state: 'S', threads: 116, startTime: '118' });
  });
});

describe('shell words', () => {
  test('are taken literally', () => {
    expect(quote('/var/lib/x-1.0')).toBe('/var/lib/x-1.0');
    expect(quote("it's $HOME; rm")).toBe(`'it'\\''s $HOME; rm'`);
    expect(quote('')).toBe("''");
  });
});

describe('offerings of local cells', () => {
  const host = { cpuMilli: 6000, memoryBytes: 15.5 * GiB, diskBytes: 100 * GiB, arch: 'arm64' };
  const offerings = localOfferings(host, ['local']);

  test('reach to all cores of the machine, and to its memory less a reserve', () => {
    const largest = offerings.at(-1);
    expect(largest?.allocatable.cpuMilli).toBe(6000);
    expect(largest?.capacity.cpuMilli).toBe(6000);
    expect(largest?.allocatable.memoryBytes).toBe(15 * GiB);
    expect(largest?.capacity.memoryBytes).toBeLessThanOrEqual(host.memoryBytes);
    expect(largest?.arch).toBe('arm64');
  });

  test('are the same in each zone, which are names only', () => {
    const inZones = localOfferings(host, ['a', 'b']);
    expect(inZones).toHaveLength(2 * offerings.length);
    const asOf = (zone: string) => inZones.filter((one) => one.zone === zone).map((one) => ({ ...one, zone: 'local' }));
    expect([asOf('a'), asOf('b')]).toEqual([offerings, offerings]);
  });

  test('leave the overhead of kubelet and containerd on top of what pods get', () => {
    const [smallest] = offerings;
    expect(smallest).toMatchObject({ instanceType: 'local-0.25c-0.25g', launchType: 'local', zone: 'local' });
    expect(smallest?.capacity.cpuMilli).toBe(350);
    expect(smallest?.capacity.memoryBytes).toBe((256 + 192) * 2 ** 20);
  });

  test("cost what Fargate's list price says", () => {
    const one = offerings.find(({ instanceType }) => instanceType === 'local-1c-2g');
    expect(one?.pricePerHourUsd).toBeCloseTo(0.04048 + 2 * 0.004445, 8);
  });
});

describe('the book of addresses', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'nodeless-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  test('gives one index to a cell, and never one to two, also across processes', async () => {
    const books = [createAddressBook(directory, DEFAULT_RANGES), createAddressBook(directory, DEFAULT_RANGES)];
    const cells = Array.from({ length: 40 }, (_, at) => `c-${at}`);
    const taken = await Promise.all(cells.map((cell, at) => books[at % 2]?.take(cell)));
    expect(new Set(taken).size).toBe(40);
    expect(await books[1]?.take('c-0')).toBe(taken[0]);
    expect(Math.min(...taken.map(Number))).toBeGreaterThanOrEqual(16);
  });

  test('does not give a freed index again at once, but does in the end', async () => {
    const small = { ...DEFAULT_RANGES, podCidr: '10.244.0.0/22' };
    const book = createAddressBook(directory, small);
    const first = await book.take('c-0');
    await book.release('c-0');
    const seen = [];
    for (let at = 1; at <= 16; at += 1) seen.push(await book.take(`c-${at}`));
    expect(seen[0]).not.toBe(first);
    expect(seen.at(-1)).toBe(first);
    await expect(book.take('c-17')).rejects.toMatchObject({ code: 'InsufficientCapacity', retryable: true });
    await book.release('nobody');
  });

  test('frees what belongs to cells that are gone, unless it is young', async () => {
    const book = createAddressBook(directory, DEFAULT_RANGES);
    const index = await book.take('dead');
    await book.sweep(async () => false, Date.now() - 60_000);
    expect(await book.take('dead')).toBe(index);
    await book.sweep(async () => true, Date.now() + 60_000);
    expect(await book.take('dead')).toBe(index);
    await book.sweep(async () => false, Date.now() + 60_000);
    expect(await book.take('dead')).not.toBe(index);
  });

  test('finishes what a process that died while it took or freed an index has left', async () => {
    const book = createAddressBook(directory, DEFAULT_RANGES);
    const left = { '16.dead.free': 'dead', '17.dead.free': 'alive', '18.0123456789ab.tmp': 'alive' };
    for (const [name, holder] of Object.entries(left)) await writeFile(join(directory, name), holder);
    await book.sweep(async (cellId) => cellId === 'alive', Date.now() - 60_000);
    expect((await readdir(directory)).sort()).toEqual(Object.keys(left));
    await book.sweep(async (cellId) => cellId === 'alive', Date.now() + 60_000);
    expect(await readdir(directory)).toEqual(['17']);
    expect(await book.take('alive')).toBe(17);
  });
});

describe('the folder of a cell', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'nodeless-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  test('that never became one is swept when it is old', async () => {
    const store = createCellStore(directory);
    const token = await store.token('c-1');
    expect(await store.token('c-1')).toBe(token);
    await store.sweep(Date.now() - 60_000);
    expect(await store.ids()).toEqual(['c-1']);
    await store.sweep(Date.now() + 60_000);
    expect(await store.ids()).toEqual([]);
  });

  test('that a removal which died has left in the trash is swept when it is old, and the trash itself stays', async () => {
    const store = createCellStore(directory);
    const trash = join(directory, 'trash');
    await mkdir(join(trash, 'c-1.0123456789ab', 'machine'), { recursive: true });
    await store.sweep(Date.now() - 60_000);
    expect(await readdir(trash)).toEqual(['c-1.0123456789ab']);
    await store.sweep(Date.now() + 60_000);
    expect(await readdir(trash)).toEqual([]);
  });

  test('is not taken for removed while it is there', async () => {
    const store = createCellStore(directory);
    const untilMs = Date.now() + 30_000;
    let refused = false;
    // The trash is taken away time and again, until that comes right before the cell is to be put into it.
    while (!refused && Date.now() < untilMs) {
      await store.token('c-1');
      let outcome: string | undefined;
      const removal = store.remove('c-1').then(
        () => (outcome = 'removed'),
        () => (outcome = 'refused'),
      );
      while (outcome === undefined) {
        await rm(join(directory, 'trash'), { recursive: true, force: true }).catch(() => undefined);
      }
      await removal;
      refused = outcome === 'refused';
      expect(await store.ids()).toEqual(refused ? ['c-1'] : []);
    }
    expect(refused).toBe(true);
    await store.remove('c-1');
    expect(await store.ids()).toEqual([]);
  });
});

describe('the list of local cells', () => {
  test('comes even when what dead launches have left can not be swept, which is told', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'nodeless-'));
    const warned: unknown[] = [];
    const logger = { warn: (fields: unknown) => warned.push(fields) } as unknown as Logger;
    const programs = { kubelet: '/nowhere/kubelet', containerd: '/nowhere/containerd', cniBinDir: '/nowhere' };
    try {
      await writeFile(join(directory, 'trash'), 'not a folder');
      const provider = createLocalProvider({
        stateDir: directory,
        cacheDir: directory,
        clusterName: 'c',
        programs,
        logger,
      });
      expect(await provider.list(AbortSignal.timeout(5_000))).toEqual([]);
      expect(warned).toEqual([{ reason: expect.stringContaining('ENOTDIR') }]);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});

describe('prerequisites', () => {
  const programs = { kubelet: '/nowhere/kubelet', containerd: '/nowhere/containerd', cniBinDir: '/nowhere' };

  test('another system than Linux is told so, and nothing else', async () => {
    const missing = await missingPrerequisites(programs, { platform: 'darwin', uid: 501 });
    expect(missing).toHaveLength(1);
    expect(missing[0]).toContain('Linux');
  });

  test('root is asked for', async () => {
    const missing = await missingPrerequisites(programs, { platform: 'linux', uid: 1000 });
    expect(missing.join()).toContain('root');
  });
});

describe('the router', () => {
  test('refuses what cells send to the outside, unless that is allowed', () => {
    const closed = routerScript({ ranges: DEFAULT_RANGES, outbound: false });
    expect(closed).toContain('-A NODELESS-CELLS -s 10.244.0.0/16 -j REJECT');
    expect(closed).not.toContain('MASQUERADE');
    const open = routerScript({ ranges: DEFAULT_RANGES, outbound: true });
    expect(open).not.toContain('REJECT');
    expect(open).toContain('-A NODELESS-OUT -s 10.244.0.0/16 -j MASQUERADE');
  });
});
