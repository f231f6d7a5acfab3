import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';
import { DEFAULT_RANGES } from '../../../providers/local/machine/addressing.ts';
import { cgroupHierarchies, killCgroup } from '../../../providers/local/machine/cgroups.ts';
import { linkPrefix } from '../../../providers/local/machine/network.ts';
import { parseIdentity, parseStat } from '../../../providers/local/machine/process-identity.ts';
import type { LocalProviderOptions } from '../../../providers/local/options.ts';
import { createLocalProvider } from '../../../providers/local/provider.ts';
import type { LocalMachine } from '../local-machine.ts';
import { createRouterNamespace, type RouterNamespace } from './router-namespace.ts';
import { type StandInCellApi, startStandInCellApi } from './stand-in-cell-api.ts';
import type { CloudUnderTest, Subject } from './subject.ts';

/** Not /tmp: cells have a /tmp of their own only when nothing of theirs is in it. */
const ROOT = '/var/lib/nodeless-contract';
const LAUNCH_DEADLINE_MS = 30_000;

/** The local cloud, and what tests of local cells alone need. */
export interface LocalCloud extends CloudUnderTest {
  readonly api: StandInCellApi;
  readonly options: LocalProviderOptions;
  readonly router: RouterNamespace;
  machineDirectory(cellId: string): string;
  /** Number of the cell's first process. */
  supervisor(cellId: string): Promise<number>;
}

async function isNotEmpty(folder: string): Promise<boolean> {
  return existsSync(folder) && (await readdir(folder)).length > 0;
}

async function remainsOf(options: LocalProviderOptions, router: RouterNamespace): Promise<readonly string[]> {
  const { clusterName, stateDir, cgroup = '' } = options;
  const namespaces = existsSync('/run/netns') ? await readdir('/run/netns') : [];
  const links = await router.run('ip', '-o', 'link');
  const routes = await router.run('ip', 'route');
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  const cgroups: string[] = [];
  for (const { mountPoint } of await cgroupHierarchies()) {
    if (existsSync(mountPoint + cgroup)) cgroups.push(`cgroup ${mountPoint}${cgroup}`);
  }
  const processes: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const membership = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    // A zombie holds nothing any more; its parent, or process 1, buries it in its own time.
    const lives = stat !== '' && parseStat(stat).state !== 'Z';
    if (lives && membership.includes(`${cgroup}/`)) processes.push(`process ${pid} ${stat.slice(0, 40)}`);
  }
  const matching = (lines: string, text: string) => lines.split('\n').filter((line) => line.includes(text));
  return [
    ...namespaces.filter((name) => name.startsWith(`nodeless-${clusterName}-`)).map((name) => `netns ${name}`),
    ...matching(links, linkPrefix(clusterName)),
    ...matching(routes, linkPrefix(clusterName)),
    ...matching(mounts, stateDir),
    ...matching(mounts, `nodeless-${clusterName}-`),
    ...cgroups,
    ...processes,
    ...((await isNotEmpty(join(stateDir, 'cells'))) ? ['a folder of a cell'] : []),
    ...((await isNotEmpty(join(stateDir, 'addresses'))) ? ['an address'] : []),
    ...((await isNotEmpty(join(stateDir, 'trash'))) ? ['trash'] : []),
  ];
}

/** Why local cells can't run here, in one line; undefined when they can. */
export function whyNoLocalCells(): string | undefined {
  const machine = inject('localMachine');
  return typeof machine === 'string' ? machine : undefined;
}

function localMachine(): LocalMachine {
  const machine = inject('localMachine');
  if (typeof machine === 'string') throw new Error(machine);
  return machine;
}

/** A local cloud in a fresh network namespace; `close` ends what a failed test has left. */
export async function openLocalCloud(): Promise<LocalCloud> {
  const machine = localMachine();
  const router = await createRouterNamespace();
  await mkdir(ROOT, { recursive: true });
  const stateDir = await mkdtemp(join(ROOT, 'state-'));
  const api = await startStandInCellApi({ address: router.hostAddress });
  const clusterName = `t${process.pid}`;
  const options: LocalProviderOptions = {
    clusterName,
    stateDir,
    ...machine,
    cgroup: `/nodeless-contract-${process.pid}`,
    networkNamespace: router.path,
    // The cell API of the test is outside of the cluster's namespace.
    outbound: true,
  };
  const machineDirectory = (cellId: string) => join(stateDir, 'cells', cellId, 'machine');
  const token = async (cellId: string) => readFile(join(stateDir, 'cells', cellId, 'token'), 'utf8');
  const supervisor = async (cellId: string) =>
    parseIdentity(await readFile(join(machineDirectory(cellId), 'supervisor'), 'utf8')).pid;
  return {
    api,
    options,
    router,
    cellApiUrl: api.url,
    caPem: api.caPem,
    cellCidr: DEFAULT_RANGES.cellCidr,
    machineDirectory,
    supervisor,
    token,
    async provider() {
      const provider = createLocalProvider(options);
      await provider.start(AbortSignal.timeout(LAUNCH_DEADLINE_MS));
      return provider;
    },
    async bootstrapped(cellId) {
      const expected = await token(cellId);
      await api.request((request) => request.token === expected, LAUNCH_DEADLINE_MS);
    },
    async kill(cellId) {
      process.kill(await supervisor(cellId), 'SIGKILL');
    },
    remains: () => remainsOf(options, router),
    async close() {
      const provider = createLocalProvider(options);
      const cells = await readdir(join(stateDir, 'cells')).catch(() => []);
      for (const cellId of cells) await provider.terminate(cellId, AbortSignal.timeout(10_000));
      await killCgroup(options.cgroup ?? '', 5_000, (ms) => new Promise((resolve) => setTimeout(resolve, ms)));
      await api.close();
      await router.remove();
      await rm(stateDir, { recursive: true, force: true });
      // Only when no other run is using it.
      await rmdir(ROOT).catch(() => undefined);
    },
  };
}

export const localSubject: Subject = {
  name: 'local',
  skipReason: whyNoLocalCells(),
  boots: true,
  open: openLocalCloud,
};
