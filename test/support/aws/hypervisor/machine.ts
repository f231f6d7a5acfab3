import { spawn } from 'node:child_process';
import { mkdir, open, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cgroupHierarchies, makeCgroup } from '../../../../providers/local/machine/cgroups.ts';
import { cloneTemplate } from '../../../../providers/local/machine/containerd-template.ts';
import type { MachineNetwork } from '../../../../providers/local/machine/network.ts';
import { enterScript, startScript } from '../../../../providers/local/machine/scripts.ts';
import { superviseScript } from './supervise-script.ts';
import { CONTAINERD_UNIT, SYSTEMCTL } from './systemctl.ts';

/** What the machines of a hypervisor have in common: what is in their image, and where they are. */
export interface MachineHost {
  /** Folder with a folder for each machine. */
  readonly folder: string;
  /** Parent of the machines' cgroups. */
  readonly cgroup: string;
  /** Path of the network namespace that routes for them. */
  readonly routerNamespace: string;
  readonly nameserver: string;
  /** Programs of the image, by name. */
  readonly programs: Readonly<Record<'kubelet' | 'kube-proxy', string>>;
  /** A containerd root with the images that machines start with. */
  readonly template: string;
}

export interface MachineBoot {
  readonly instanceId: string;
  readonly network: MachineNetwork;
  /** What cloud-init runs. */
  readonly program: string;
}

export function machineFolder({ folder }: MachineHost, instanceId: string): string {
  return join(folder, instanceId);
}

/** Boots a machine: detached, so that it goes on whoever started it, and ended by `endMachine` over its folder. */
export async function bootMachine(host: MachineHost, { instanceId, network, program }: MachineBoot): Promise<void> {
  const directory = machineFolder(host, instanceId);
  const cgroup = `${host.cgroup}/${instanceId}`;
  const at = (...path: string[]) => join(directory, ...path);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  // First: from then on it can be ended.
  await writeFile(at('machine.json'), JSON.stringify({ cgroup, network }));
  for (const folder of ['image', 'root', 'volatile', 'kubelet', 'log']) await mkdir(at(folder));
  await cloneTemplate(host.template, at('containerd'));
  const hierarchies = await cgroupHierarchies();
  const first = { directory, cgroup, hierarchies, network, path: [] };
  await Promise.all([
    writeFile(at('start.sh'), startScript(first)),
    writeFile(at('enter.sh'), enterScript(first)),
    writeFile(at('supervise.sh'), superviseScript({ directory, hierarchies, shared: [host.template] })),
    writeFile(at('image', 'systemctl'), SYSTEMCTL, { mode: 0o755 }),
    writeFile(at('image', 'containerd.service'), CONTAINERD_UNIT),
    writeFile(at('image', 'resolv.conf'), `nameserver ${host.nameserver}\n`),
    writeFile(at('image', 'user-data'), program),
    ...Object.entries(host.programs).map(([name, path]) => symlink(path, at('image', name))),
    makeCgroup(cgroup, undefined),
  ]);
  const log = await open(at('start.log'), 'a');
  const child = spawn('nsenter', [`--net=${host.routerNamespace}`, 'sh', './start.sh'], {
    cwd: directory,
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  });
  child.on('error', () => undefined);
  child.unref();
  await log.close();
}

/** Names of a machine's logs, in its folder. */
export const LOGS = [
  'start.log',
  'console.log',
  ...['kubelet', 'containerd', 'nodeless-kube-proxy'].map((name) => `log/${name}.log`),
];
