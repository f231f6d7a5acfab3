import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { CellProvider, LaunchRequest } from '../../../providers/contract.ts';
import { hierarchyOf, isUnified } from '../../../providers/local/machine/cgroup-hierarchies.ts';
import { cgroupHierarchies, cgroupProcesses } from '../../../providers/local/machine/cgroups.ts';
import { machineLog } from '../../../providers/local/machine/machine.ts';
import { createLocalProvider } from '../../../providers/local/provider.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { resourcesOf } from '../../../src/core/resources.ts';
import { cellClass } from '../../support/cell-class.ts';
import { type LocalCloud, openLocalCloud, whyNoLocalCells } from './local-subject.ts';
import type { KubeObject } from './stand-in-store.ts';

const BUSYBOX = 'registry.k8s.io/e2e-test-images/busybox:1.37.0-1';
const TIMEOUT_MS = 90_000;
const WAIT = { timeout: 30_000, interval: 50 };
const skipReason = whyNoLocalCells();
const soon = () => AbortSignal.timeout(30_000);

interface PodStatus {
  readonly phase?: string;
  readonly podIP?: string;
  readonly containerStatuses?: readonly { readonly containerID: string; readonly restartCount: number }[];
}

function podOn(nodeName: string, command: string): KubeObject {
  const name = `pod-${nodeName}`;
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { name, namespace: 'default', uid: `uid-${name}`, creationTimestamp: new Date().toISOString() },
    spec: {
      nodeName,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 1,
      dnsPolicy: 'Default',
      restartPolicy: 'Always',
      tolerations: [{ operator: 'Exists' }],
      containers: [
        {
          name: 'main',
          image: BUSYBOX,
          imagePullPolicy: 'IfNotPresent',
          command: ['sh', '-c', command],
          resources: { limits: { cpu: '100m', memory: '64Mi' } },
        },
      ],
    },
    status: { phase: 'Pending' },
  };
}

/** Every file of the unpacked images, with what would tell of a change. */
async function templates(cacheDir: string): Promise<readonly string[]> {
  const folders = (await readdir(cacheDir)).filter((name) => /^containerd-root-[0-9a-f]+$/.test(name));
  const found: string[] = [];
  for (const folder of folders) {
    const entries = await readdir(join(cacheDir, folder), { recursive: true, withFileTypes: true });
    for (const entry of entries.filter((each) => each.isFile())) {
      const file = join(entry.parentPath, entry.name);
      const { size, mtimeMs } = await stat(file);
      found.push(`${file} ${size} ${mtimeMs}`);
    }
  }
  return found.sort();
}

describe.skipIf(skipReason !== undefined)(`local cells${skipReason === undefined ? '' : `: ${skipReason}`}`, () => {
  let cloud: LocalCloud;
  let provider: CellProvider;
  let count = 0;

  /** A request for a cell of a node of its own, so that the stand-in shows it its own pods only. */
  async function request(): Promise<LaunchRequest> {
    const cellId = `real-${++count}`;
    const offering = (await provider.offerings(soon())).find((each) => each.instanceType === 'local-0.25c-0.25g');
    if (offering === undefined) throw new Error('the smallest offering is gone');
    cloud.api.store.put('/api/v1/nodes', {
      kind: 'Node',
      apiVersion: 'v1',
      metadata: { name: cellId, uid: cellId },
      spec: {},
      status: {},
    });
    return {
      offering,
      cellClass: cellClass(),
      tags: { clusterUid: 'cluster', virtualNode: 'vnode', cellId, pod: 'default/web', podUid: 'uid-1' },
      bootstrap: {
        cellApiUrl: cloud.cellApiUrl,
        caPem: cloud.caPem,
        nodeName: cellId,
        clusterDns: '10.96.0.10',
        clusterDomain: 'cluster.local',
      },
    };
  }

  const statusOf = (cellId: string) =>
    (cloud.api.store.get('/api/v1/pods', `pod-${cellId}`)?.status ?? {}) as PodStatus;

  async function launchWithPod(command: string): Promise<string> {
    const asked = await request();
    const { cellId } = asked.tags;
    cloud.api.store.put('/api/v1/pods', podOn(cellId, command));
    await provider.launch(asked, soon());
    await expect.poll(() => statusOf(cellId).phase, WAIT).toBe('Running');
    return cellId;
  }

  /** The keys that certificates were asked for with the token, one for each attempt. */
  const keysOf = (token: string) =>
    cloud.api.requests
      .filter((each) => each.token === token)
      .map(({ keyFingerprint }) => keyFingerprint)
      .filter((key) => key !== undefined);

  /** Runs a command on the cell, as a login to the machine would. */
  async function onCell(cellId: string, ...words: readonly string[]): Promise<string> {
    const pid = String(await cloud.supervisor(cellId));
    return cloud.router.run('nsenter', '-t', pid, '--all', ...words);
  }

  async function pidOf(cellId: string, program: string): Promise<number | undefined> {
    for (const pid of await cgroupProcesses(`${cloud.options.cgroup}/${cellId}`)) {
      const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      if (basename(commandLine.split('\0')[0] ?? '') === program) return pid;
    }
    return undefined;
  }

  async function killProgram(cellId: string, program: string): Promise<void> {
    const pid = await pidOf(cellId, program);
    if (pid === undefined) throw new Error(`no ${program} on ${cellId}`);
    process.kill(pid, 'SIGKILL');
    await expect
      .poll(async () => {
        const next = await pidOf(cellId, program);
        return next !== undefined && next !== pid;
      }, WAIT)
      .toBe(true);
  }

  test('a zone that is marked as exhausted has no machine, and leaves nothing of one', async () => {
    const asked = await request();
    const folder = join(cloud.options.stateDir, 'exhausted-zones');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, asked.offering.zone), '');
    await expect(provider.launch(asked, soon())).rejects.toMatchObject({
      code: 'InsufficientCapacity',
      retryable: true,
    });
    expect(existsSync(join(cloud.options.stateDir, 'cells', asked.tags.cellId))).toBe(false);
    await rm(join(folder, asked.offering.zone));
    expect((await provider.launch(asked, soon())).zone).toBe(asked.offering.zone);
    await provider.terminate(asked.tags.cellId, soon());
  });

  beforeAll(async () => {
    cloud = await openLocalCloud();
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

  test('a kubelet reports the allocatable of its offering, not the machine', async () => {
    const asked = await request();
    await provider.launch(asked, soon());
    const path = `/nodes/${asked.tags.cellId}/status`;
    await cloud.api.request(({ method, url }) => method === 'PATCH' && url.includes(path), 20_000);
    const node = cloud.api.store.get('/api/v1/nodes', asked.tags.cellId);
    const { allocatable } = (node?.status ?? {}) as { allocatable: Record<string, string> };
    const { cpuMilli, memoryBytes, ephemeralStorageBytes } = resourcesOf(allocatable);
    expect(cpuMilli).toBe(asked.offering.allocatable.cpuMilli);
    expect(memoryBytes).toBe(asked.offering.allocatable.memoryBytes);
    expect(ephemeralStorageBytes).toBeGreaterThanOrEqual(asked.offering.allocatable.ephemeralStorageBytes);
  });

  test('a pod’s machine is launched before those that pools have asked for and that nobody waits for', async () => {
    const one = createLocalProvider({ ...cloud.options, launchConcurrency: 1 });
    await one.start(soon());
    const ends: string[] = [];
    const launch = async (name: string, tags: object) => {
      const asked = await request();
      await one.launch({ ...asked, tags: { ...asked.tags, ...tags } }, soon());
      ends.push(name);
    };
    const ofPool = { pod: '', podUid: '', pool: { name: 'web', uid: 'pool-1' } };
    await Promise.all([launch('first', ofPool), launch('second', ofPool), launch('third', ofPool), launch('pod', {})]);
    expect(ends.indexOf('pod')).toBeLessThan(2);
    await one.stop();
  });

  test('a machine that waits in a pool has a tenth of the CPU that others have, until a pod has it or it is started again', async () => {
    const { tags, ...asked } = await request();
    const hierarchies = await cgroupHierarchies();
    const isOne = isUnified(hierarchies);
    const { mountPoint = '' } = (isOne ? hierarchies[0] : hierarchyOf(hierarchies, 'cpu')) ?? {};
    const file = join(`${mountPoint}${cloud.options.cgroup}`, tags.cellId, isOne ? 'cpu.weight' : 'cpu.shares');
    const share = async () => Number(await readFile(file, 'utf8')) / (isOne ? 100 : 1024);
    const waiting = { ...tags, pod: '', podUid: '', pool: { name: 'web', uid: 'pool-1' } };
    await provider.launch({ ...asked, tags: waiting }, soon());
    expect(await share()).toBeCloseTo(0.1);
    await provider.claim?.(tags.cellId, { pod: 'default/a', podUid: 'a' }, soon());
    expect(await share()).toBe(1);
    await provider.stopMachine?.(tags.cellId, soon());
    expect(existsSync(file)).toBe(false);
    await provider.startMachine?.(tags.cellId, soon());
    expect(await share()).toBe(1);
  });

  test('a kubelet heeds what its class sets, but for what would make the cell smaller than it was sold', async () => {
    const kubelet = {
      podPidsLimit: 512,
      systemReserved: { memory: '200Mi' },
      evictionHard: { 'memory.available': '100Mi' },
    };
    const asked = { ...(await request()), cellClass: cellClass({ kubelet }) };
    await provider.launch(asked, soon());
    const path = `/nodes/${asked.tags.cellId}/status`;
    await cloud.api.request(({ method, url }) => method === 'PATCH' && url.includes(path), 20_000);
    const node = cloud.api.store.get('/api/v1/nodes', asked.tags.cellId);
    const { allocatable } = (node?.status ?? {}) as { allocatable: Record<string, string> };
    expect(resourcesOf(allocatable).memoryBytes).toBe(asked.offering.allocatable.memoryBytes);
    const folder = join(cloud.options.stateDir, 'cells', asked.tags.cellId, 'machine');
    expect(JSON.parse(await readFile(join(folder, 'kubelet.json'), 'utf8'))).toMatchObject({ podPidsLimit: 512 });
  });

  test('a pod runs from the preloaded images, and changes neither them nor another cell', async () => {
    const before = await templates(cloud.options.cacheDir);
    const spoil = 'echo spoiled > /bin/spoiled; rm -f /bin/vi; exec sleep 600';
    const [first, second] = await Promise.all([launchWithPod(spoil), launchWithPod('exec sleep 600')]);
    expect(statusOf(first).podIP).not.toBe(statusOf(second).podIP);
    const root = (cellId: string) =>
      onCell(
        cellId,
        'sh',
        '-c',
        'ls $(dirname $(ls -d /run/containerd/io.containerd.runtime.v2.task/k8s.io/*/rootfs/bin/busybox))',
      );
    expect(await root(first)).toContain('spoiled');
    expect(await root(second)).not.toContain('spoiled');
    expect(await templates(cloud.options.cacheDir)).toEqual(before);
    expect(before.length).toBeGreaterThan(0);
  });

  test('mounts of a cell are not seen on the host', async () => {
    const cellId = await launchWithPod('exec sleep 600');
    const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
    expect(mounts.filter((line) => line.includes(cloud.options.stateDir))).toEqual([]);
    // Nothing but the handle of its network namespace, twice where /run/netns is shared.
    const own = mounts.filter((line) => line.includes(`nodeless-${cloud.options.clusterName}-${cellId}`));
    expect(own.length).toBeGreaterThan(0);
    for (const line of own) expect(line).toContain(' - nsfs ');
  });

  test('a killed kubelet comes back, and its containers never notice', async () => {
    const cellId = await launchWithPod('exec httpd -f');
    const [container] = statusOf(cellId).containerStatuses ?? [];
    const serving = await pidOf(cellId, 'httpd');
    expect(serving).toBeDefined();
    await killProgram(cellId, 'kubelet');
    await sleep(1_500);
    expect(statusOf(cellId).containerStatuses?.[0]).toMatchObject({
      containerID: container?.containerID,
      restartCount: 0,
    });
    expect(await pidOf(cellId, 'httpd')).toBe(serving);
    expect((await provider.list(soon()))[0]?.state).toBe('running');
  });

  test('a killed containerd comes back, and its containers never notice', async () => {
    const cellId = await launchWithPod('exec sleep 600');
    await killProgram(cellId, 'containerd');
    await sleep(2_500);
    const tasks = await onCell(cellId, 'sh', '-c', 'ctr -n k8s.io tasks ls | grep -c RUNNING');
    expect(tasks.trim()).toBe('2');
    expect(statusOf(cellId).containerStatuses?.[0]?.restartCount).toBe(0);
  });

  test('pods of two cells reach each other through the router', async () => {
    const server = await launchWithPod('echo hello > /tmp/index.html; exec httpd -f -p 8080 -h /tmp');
    const address = statusOf(server).podIP ?? '';
    const client = await launchWithPod(`printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc ${address} 8080; exec sleep 600`);
    const log = async () => onCell(client, 'sh', '-c', 'cat /var/log/pods/*/main/*.log');
    await expect.poll(log, WAIT).toContain('hello');
  });

  test('packets for addresses that nobody has go nowhere', async () => {
    for (const address of ['10.200.200.200', '10.244.200.200', '10.96.200.200']) {
      expect(await cloud.router.run('ip', 'route', 'get', address)).toContain('dev nodeless0');
    }
  });

  test('a kubelet refuses callers that prove no identity', async () => {
    const asked = await request();
    const machine = await provider.launch(asked, soon());
    const script = `process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
      fetch('https://${machine.addresses[0]}:10250/pods').then((r) => console.log(r.status), () => console.log('down'))`;
    const status = () => cloud.router.run(process.execPath, '--no-warnings', '-e', script);
    await expect.poll(status, WAIT).toBe('401');
  });

  test('a cell whose first certificate request got no answer asks again with the same key, and starts', async () => {
    const asked = await request();
    const { cellId } = asked.tags;
    cloud.api.mishaps.push('answer lost', 401, 503, 'answer lost', 500);
    await provider.launch(asked, soon());
    const path = `/nodes/${cellId}/status`;
    await cloud.api.request(({ method, url }) => method === 'PATCH' && url.includes(path), 20_000);
    const token = await cloud.token(cellId);
    const keys = keysOf(token);
    expect(keys.length).toBeGreaterThanOrEqual(3);
    expect(new Set(keys).size).toBe(1);
    const attest = (keyFingerprint: string) =>
      provider.attest({ token, keyFingerprint, remoteAddress: '10.200.0.18' }, soon());
    expect(await attest(keys[0] ?? '')).toEqual({ outcome: 'accepted', cellId });
    expect(await attest('another')).toEqual({ outcome: 'reused', cellId });
    expect(await attest(keys[0] ?? '')).toEqual({ outcome: 'accepted', cellId });
  });

  test('a cell waits for a provider that is away, and starts within seconds of its return', async () => {
    const asked = await request();
    const { cellId } = asked.tags;
    const { port } = new URL(cloud.cellApiUrl);
    const reject = ['-i', 'uplink0', '-p', 'tcp', '--sport', port, '-j', 'DROP'];
    await cloud.router.run('iptables', '-w', '-I', 'FORWARD', ...reject);
    await provider.launch(asked, soon());
    await sleep(3_000);
    expect(await pidOf(cellId, 'kubelet')).toBeUndefined();
    await cloud.router.run('iptables', '-w', '-D', 'FORWARD', ...reject);
    const path = `/nodes/${cellId}/status`;
    await cloud.api.request(({ method, url }) => method === 'PATCH' && url.includes(path), 15_000);
    expect(new Set(keysOf(await cloud.token(cellId))).size).toBe(1);
  });

  test('the token is in no file that others may read, and only its hash is in the record', async () => {
    const asked = await request();
    const { cellId } = asked.tags;
    await provider.launch(asked, soon());
    const token = await cloud.token(cellId);
    const folder = join(cloud.options.stateDir, 'cells', cellId);
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    for (const entry of entries.filter((each) => each.isFile())) {
      const path = join(entry.parentPath, entry.name);
      if (path.includes('/containerd/')) continue;
      const text = await readFile(path, 'utf8').catch(() => '');
      if (text.includes(token)) expect((await stat(path)).mode & 0o077, path).toBe(0);
    }
    expect(await readFile(join(folder, 'cell.json'), 'utf8')).not.toContain(token);
    expect((await machineLog(cloud.machineDirectory(cellId), 'kubelet', 10_000)).join('\n')).not.toContain(token);
  });

  test('the cell of a provider that is killed goes on', async () => {
    const asked = await request();
    const child = spawn(
      process.execPath,
      [
        fileURLToPath(new URL('launch-then-hang.ts', import.meta.url)),
        JSON.stringify(cloud.options),
        JSON.stringify(asked),
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    for await (const line of createInterface({ input: child.stdout })) if (line === 'launched') break;
    child.kill('SIGKILL');
    await once(child, 'exit');
    await cloud.bootstrapped(asked.tags.cellId);
    expect((await provider.list(soon()))[0]).toMatchObject({ state: 'running', tags: asked.tags });
  });

  test('a launch that is killed at any instant is finished by the next provider, as one machine', async () => {
    for (const afterMs of [0, 10, 20, 30, 45, 60, 80, 110]) {
      const asked = await request();
      const { cellId } = asked.tags;
      const child = spawn(
        process.execPath,
        [
          fileURLToPath(new URL('launch-then-hang.ts', import.meta.url)),
          JSON.stringify(cloud.options),
          JSON.stringify(asked),
        ],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      for await (const line of createInterface({ input: child.stdout })) if (line === 'started') break;
      await sleep(afterMs);
      child.kill('SIGKILL');
      await once(child, 'exit');
      const later = createLocalProvider(cloud.options);
      expect((await later.launch(asked, soon())).state, `${afterMs} ms`).toBe('running');
      await cloud.bootstrapped(cellId);
      expect(new Set(keysOf(await cloud.token(cellId))).size, `${afterMs} ms`).toBe(1);
      expect((await later.list(soon())).map(({ tags }) => tags.cellId)).toEqual([cellId]);
      await later.terminate(cellId, soon());
      expect(await cloud.remains(), `${afterMs} ms`).toEqual([]);
    }
  });

  test('what a predecessor left of a launch is removed when it is old, without a restart', async () => {
    let aheadMs = 0;
    const clock = { now: () => Date.now() + aheadMs, sleep: systemClock.sleep };
    const provider = createLocalProvider({ ...cloud.options, clock });
    const folder = join(cloud.options.stateDir, 'cells', 'cell-halfdone01');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'token'), 'halfdone');
    await provider.list(soon());
    expect(existsSync(folder)).toBe(true);
    aheadMs = 61_000;
    await provider.list(soon());
    expect(existsSync(folder)).toBe(false);
  });

  test('a machine that lacks everything is told so at once', async () => {
    const bare = createLocalProvider({
      ...cloud.options,
      programs: { kubelet: '/nowhere/kubelet', containerd: '/nowhere/containerd', cniBinDir: '/nowhere' },
    });
    const error = await bare.start(soon()).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'PrerequisiteMissing' });
    for (const name of ['kubelet', 'containerd', 'bridge', 'portmap']) expect(String(error)).toContain(name);
  });
});
