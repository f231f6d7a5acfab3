import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { type Environment, readEnvironment } from '../config/environment.ts';
import { systemProgram } from './binaries/lookup.ts';
import { localFailure } from './failure.ts';
import { run } from './processes/run.ts';
import type { Progress } from './progress.ts';

/** A program that the system provides, and the Debian and Ubuntu package that has it. */
export interface SystemProgram {
  /** A name to look up, or an absolute path. */
  readonly program: string;
  readonly debianPackage: string;
}

/** Where Debian and Ubuntu put the CNI plugins. */
export const CNI_FOLDER = '/usr/lib/cni';

/** What a local cluster needs of the system. */
export const SYSTEM_PROGRAMS: readonly SystemProgram[] = [
  { program: 'etcd', debianPackage: 'etcd-server' },
  { program: 'containerd', debianPackage: 'containerd' },
  { program: 'ctr', debianPackage: 'containerd' },
  { program: 'runc', debianPackage: 'runc' },
  { program: `${CNI_FOLDER}/bridge`, debianPackage: 'containernetworking-plugins' },
  { program: 'ip', debianPackage: 'iproute2' },
  { program: 'ss', debianPackage: 'iproute2' },
  { program: 'iptables', debianPackage: 'iptables' },
  { program: 'iptables-restore', debianPackage: 'iptables' },
  { program: 'conntrack', debianPackage: 'conntrack' },
  { program: 'socat', debianPackage: 'socat' },
  { program: 'ethtool', debianPackage: 'ethtool' },
  { program: 'sysctl', debianPackage: 'procps' },
  { program: 'mount', debianPackage: 'mount' },
  { program: 'nsenter', debianPackage: 'util-linux' },
  { program: 'flock', debianPackage: 'util-linux' },
  { program: 'curl', debianPackage: 'curl' },
  { program: 'dig', debianPackage: 'bind9-dnsutils' },
  { program: 'nc.openbsd', debianPackage: 'netcat-openbsd' },
  { program: 'busybox', debianPackage: 'busybox-static' },
  { program: 'bash-static', debianPackage: 'bash-static' },
];

const POLICY = '/usr/sbin/policy-rc.d';
const NO_SERVICES = '#!/bin/sh\n# Made by nodeless while it installs packages; no service may start.\nexit 101\n';
const APT = ['apt-get', '-y', '-q', '-o', 'DPkg::Lock::Timeout=120'];
const APT_TIMEOUT_MS = 600_000;

/** The packages of the programs that are missing, each once, in a stable order. */
export function packagesFor(missing: readonly SystemProgram[]): readonly string[] {
  return [...new Set(missing.map((entry) => entry.debianPackage))].sort();
}

/** True for Debian, Ubuntu and what is made of them, by the text of /etc/os-release. */
export function usesApt(osRelease: string): boolean {
  const words = [...osRelease.matchAll(/^(?:ID|ID_LIKE)="?([^"\n]*)"?$/gm)].flatMap((match) => match[1]?.split(' '));
  return words.includes('debian') || words.includes('ubuntu');
}

async function isPresent(entry: SystemProgram, environment: Environment): Promise<boolean> {
  if (entry.program.startsWith('/')) return existsSync(entry.program);
  return (await systemProgram(entry.program, environment)) !== undefined;
}

/** Those that are not there; of what a local cluster needs unless told. */
export async function missingPrograms(
  environment: Environment,
  programs: readonly SystemProgram[] = SYSTEM_PROGRAMS,
): Promise<readonly SystemProgram[]> {
  const present = await Promise.all(programs.map((entry) => isPresent(entry, environment)));
  return programs.filter((_, index) => present[index] === false);
}

/** The command that gets them on Debian and Ubuntu, to be run as root. */
export function installCommand(missing: readonly SystemProgram[]): string {
  return `apt-get install --no-install-recommends ${packagesFor(missing).join(' ')}`;
}

/** Installs without starting a service. It is not interrupted half-way: dpkg would be left broken. */
async function install(packages: readonly string[], progress: Progress): Promise<void> {
  const env = { DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_SUSPEND: '1' };
  const options = { env, timeoutMs: APT_TIMEOUT_MS };
  const command = [...APT, 'install', '--no-install-recommends', ...packages];
  const ours = !existsSync(POLICY);
  if (ours) await writeFile(POLICY, NO_SERVICES, { mode: 0o755 });
  try {
    const first = await run(command, { ...options, tolerate: true });
    if (first.exitCode === 0) return;
    progress({ step: 'system packages', detail: 'refreshing the package lists' });
    await run([...APT, 'update'], options);
    await run(command, options);
  } finally {
    if (ours) await rm(POLICY, { force: true });
  }
}

/**
 * Makes sure that the system's programs are there, as root on Debian or Ubuntu by installing their packages;
 * each is named through `progress` first.
 * @throws NodelessError PrerequisiteMissing with the exact command, when they can't be installed from here.
 */
export async function ensureSystemPrograms(options: {
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly environment?: Environment;
  /** What a local cluster needs unless given. */
  readonly programs?: readonly SystemProgram[];
}): Promise<void> {
  const environment = options.environment ?? readEnvironment();
  const missing = await missingPrograms(environment, options.programs);
  if (missing.length === 0) return;
  const packages = packagesFor(missing);
  const names = missing.map((entry) => entry.program).join(', ');
  const osRelease = await readFile('/etc/os-release', 'utf8').catch(() => '');
  if (!usesApt(osRelease)) {
    throw localFailure(
      `the system lacks ${names}: install what Debian and Ubuntu have in the packages ${packages.join(' ')}`,
    );
  }
  const command = installCommand(missing);
  if (process.getuid?.() !== 0) throw localFailure(`the system lacks ${names}: run "sudo ${command}"`);
  options.signal.throwIfAborted();
  options.progress({ step: 'system packages', detail: `installing ${packages.join(', ')}` });
  try {
    await install(packages, options.progress);
  } catch (error) {
    throw localFailure(`the system lacks ${names}, and "${command}" failed; run it and mend what it says`, error);
  }
  const still = await missingPrograms(environment, options.programs);
  if (still.length > 0) throw localFailure(`${packagesFor(still).join(', ')} installed, but ${names} is still missing`);
}
