import { readFile, rm, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { removeCgroupFolder } from './cgroup-removal.ts';
import { COMPONENTS } from './components/command-lines.ts';
import { localFailure } from './failure.ts';
import { leftovers } from './leftovers.ts';
import { restoreForwarding } from './network/outbound.ts';
import { signalComponent, waitForEnd } from './processes/component.ts';
import { run } from './processes/run.ts';
import { type ClusterPaths, type ClusterRef, clusterNames, clusterPaths, readRecord } from './state.ts';
import { cgroupsOf, firewallDeletions, hasLink, mountsIn, namespacesOf, processesOf } from './traces.ts';

/** All data is thrown away, so nobody needs long to end in peace. */
const PEACE_MS = 400;
const END_TIMEOUT_MS = 20_000;

function killHard(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}

async function endProcesses(paths: ClusterPaths): Promise<void> {
  // In reverse, so that nothing logs the loss of what it depends on.
  await Promise.all([...COMPONENTS].reverse().map((name) => signalComponent(paths, name, 'SIGTERM')));
  await Promise.all(COMPONENTS.map((name) => waitForEnd(paths, name, PEACE_MS)));
  await Promise.all(COMPONENTS.map((name) => signalComponent(paths, name, 'SIGKILL')));
  const deadlineMs = Date.now() + END_TIMEOUT_MS;
  for (;;) {
    const left = await processesOf(paths);
    if (left.length === 0) return;
    for (const { pid } of left) killHard(pid);
    if (Date.now() > deadlineMs) {
      throw localFailure(
        `${left.length} processes of local cluster ${paths.name} do not end: ${left.map(({ pid }) => pid).join(', ')}`,
      );
    }
    await delay(25);
  }
}

async function unmountAll(paths: ClusterPaths): Promise<void> {
  for (let round = 0; round < 10; round += 1) {
    const points = mountsIn(await readFile('/proc/self/mountinfo', 'utf8'), paths);
    if (points.length === 0) return;
    // Lazily: a mount that something outside still looks at goes when it stops looking.
    await run(['umount', '--lazy', ...points], { tolerate: true });
  }
}

async function removeNetwork(paths: ClusterPaths): Promise<void> {
  for (const command of await firewallDeletions(paths)) await run(command, { tolerate: true });
  for (const namespace of await namespacesOf(paths))
    await run(['ip', 'netns', 'delete', namespace], { tolerate: true });
  // Deleting the namespace ends the pair, but only after the kernel's own while.
  if (await hasLink(paths)) await run(['ip', 'link', 'delete', paths.hostLink], { tolerate: true });
}

/** Another cluster may still need the machine to forward packets. */
async function anotherIsOutbound(paths: ClusterPaths): Promise<boolean> {
  for (const name of await clusterNames(paths.stateRoot)) {
    if (name === paths.name) continue;
    const record = await readRecord(clusterPaths({ name, stateRoot: paths.stateRoot })).catch(() => undefined);
    if (record?.outbound === true) return true;
  }
  return false;
}

/**
 * Ends a cluster and removes all of it, whatever state it is in: up, half up, killed, or gone already.
 * Cells and the regular node go with it.
 * @throws NodelessError PrerequisiteMissing that lists what could not be removed.
 */
export async function down(ref: ClusterRef): Promise<void> {
  const paths = clusterPaths(ref);
  const record = await readRecord(paths).catch(() => undefined);
  await endProcesses(paths);
  await unmountAll(paths);
  for (const folder of await cgroupsOf(paths)) {
    await removeCgroupFolder(folder);
    // The parent that all clusters share goes with the last one.
    await rmdir(dirname(folder)).catch(() => undefined);
  }
  await removeNetwork(paths);
  if (record?.restoreForwarding === true && !(await anotherIsOutbound(paths))) await restoreForwarding();
  await rm(paths.stateDir, { recursive: true, force: true, maxRetries: 3 });
  const left = await leftovers(ref);
  if (left.length > 0) throw localFailure(`local cluster ${paths.name} is not wholly gone:\n${left.join('\n')}`);
}
