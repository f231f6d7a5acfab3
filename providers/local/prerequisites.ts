import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { NodelessError } from '../../src/core/errors.ts';
import type { LocalPrograms } from './options.ts';

const TOOLS: Readonly<Record<string, string>> = {
  curl: 'curl',
  ip: 'iproute2',
  iptables: 'iptables',
  nsenter: 'util-linux',
  unshare: 'util-linux',
  flock: 'util-linux',
  runc: 'runc',
};
const CNI_PLUGINS = ['bridge', 'host-local', 'loopback', 'portmap'];
const SEARCHED = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function isInstalled(program: string): Promise<boolean> {
  const found = await Promise.all(SEARCHED.map((folder) => isExecutable(join(folder, program))));
  return found.includes(true);
}

/** Everything that this machine lacks for local cells, each with how to get it. Empty when they can run. */
export async function missingPrerequisites(
  programs: LocalPrograms,
  machine: { readonly platform: string; readonly uid: number | undefined },
): Promise<readonly string[]> {
  if (machine.platform !== 'linux') return [`Linux (this is ${machine.platform}; a Linux VM will do)`];
  const missing: string[] = [];
  if (machine.uid !== 0) missing.push('root (run this with sudo)');
  for (const name of ['kubelet', 'containerd'] as const) {
    if (!(await isExecutable(programs[name]))) missing.push(`the program ${name} at ${programs[name]}`);
  }
  if (programs.runc !== undefined && !(await isExecutable(programs.runc))) {
    missing.push(`the program runc at ${programs.runc}`);
  }
  for (const [tool, from] of Object.entries(TOOLS)) {
    if (tool === 'runc' && programs.runc !== undefined) continue;
    if (!(await isInstalled(tool))) missing.push(`${tool} (package ${from})`);
  }
  for (const plugin of CNI_PLUGINS) {
    if (!(await isExecutable(join(programs.cniBinDir, plugin)))) {
      missing.push(`the CNI plugin ${plugin} in ${programs.cniBinDir} (package containernetworking-plugins)`);
    }
  }
  return missing;
}

/** @throws NodelessError PrerequisiteMissing that names everything that is missing at once. */
export async function checkPrerequisites(programs: LocalPrograms): Promise<void> {
  const missing = await missingPrerequisites(programs, { platform: process.platform, uid: process.getuid?.() });
  if (missing.length === 0) return;
  throw new NodelessError({
    code: 'PrerequisiteMissing',
    message: `local cells need ${missing.join('; ')}`,
  });
}
