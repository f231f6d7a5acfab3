import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { parseHierarchies } from '../../../providers/local/machine/cgroup-hierarchies.ts';
import { readEnvironment } from '../../config/environment.ts';
import { run } from '../../local-cluster/processes/run.ts';
import { installCommand, missingPrograms, usesApt } from '../../local-cluster/system-packages.ts';

/** Something that real cells need and this machine does not have. */
export interface Missing {
  readonly what: string;
  /** What a person does about it. */
  readonly remedy: string;
}

/** The facts of a machine that decide whether real cells can run on it. */
export interface MachineFacts {
  readonly platform: string;
  readonly uid: number | undefined;
  readonly canMakeNamespaces: boolean;
  readonly canWriteCgroups: boolean;
  /** Programs that are neither there nor can be installed from here. */
  readonly missingPrograms: readonly string[];
  readonly installCommand: string;
}

/** What real cells lack on a machine; empty when they can run. */
export function missingForCells(facts: MachineFacts): readonly Missing[] {
  if (facts.platform !== 'linux') {
    return [{ what: `Linux (this is ${facts.platform})`, remedy: 'run it in a Linux VM or on a Linux machine' }];
  }
  const missing: Missing[] = [];
  if (facts.uid !== 0) missing.push({ what: 'root', remedy: 'run "sudo npm run demo"' });
  if (facts.uid === 0 && !facts.canMakeNamespaces) {
    const what = 'the right to make network namespaces and mounts (CAP_SYS_ADMIN, CAP_NET_ADMIN)';
    missing.push({ what, remedy: 'in a container, start it with --privileged' });
  }
  if (facts.uid === 0 && !facts.canWriteCgroups) {
    const remedy = 'in a container, start it with --privileged --cgroupns=host';
    missing.push({ what: 'a writable /sys/fs/cgroup', remedy });
  }
  if (facts.missingPrograms.length > 0) {
    missing.push({ what: facts.missingPrograms.join(', '), remedy: `run "${facts.installCommand}" as root` });
  }
  return missing;
}

async function canMakeNamespaces(signal: AbortSignal): Promise<boolean> {
  const probe = ['unshare', '--net', '--mount', 'ip', 'link', 'set', 'lo', 'up'];
  const result = await run(probe, { tolerate: true, signal }).catch(() => undefined);
  signal.throwIfAborted();
  // Without `ip` the probe says nothing; `ip` is then among the missing programs.
  return result === undefined || result.exitCode === 0 || /can.?t find|not found|No such file/i.test(result.stderr);
}

async function canWriteCgroups(): Promise<boolean> {
  const hierarchies = parseHierarchies(await readFile('/proc/self/mountinfo', 'utf8'));
  const writable = await Promise.all(
    hierarchies.map(({ mountPoint }) =>
      access(mountPoint, constants.W_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  return writable.length > 0 && writable.every(Boolean);
}

/** Looks at this machine. Missing programs count only where they can't be installed from here: without root or apt. */
export async function readMachineFacts(signal: AbortSignal): Promise<MachineFacts> {
  const { platform } = process;
  const uid = process.getuid?.();
  if (platform !== 'linux') {
    const nothing = { canMakeNamespaces: false, canWriteCgroups: false, missingPrograms: [], installCommand: '' };
    return { platform, uid, ...nothing };
  }
  const missing = await missingPrograms(readEnvironment());
  const installs = uid === 0 && usesApt(await readFile('/etc/os-release', 'utf8').catch(() => ''));
  return {
    platform,
    uid,
    canMakeNamespaces: uid === 0 && (await canMakeNamespaces(signal)),
    canWriteCgroups: uid === 0 && (await canWriteCgroups()),
    missingPrograms: installs ? [] : missing.map(({ program }) => program),
    installCommand: installCommand(missing),
  };
}
