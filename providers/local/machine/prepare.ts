import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { bootstrapScript } from '../../kubelet/bootstrap-script.ts';
import { containerdConfig } from '../../kubelet/containerd-config.ts';
import { rotatedKubeconfig } from '../../kubelet/kubeconfig.ts';
import { securedBy } from '../../kubelet/kubelet-config.ts';
import { CLIENT_PAIR } from '../../kubelet/signing-request.ts';
import { cgroupHierarchies, cpuLimitFile, makeCgroup, setCpuWeight } from './cgroups.ts';
import { cniConfig, mirrorHosts } from './containerd-files.ts';
import { cloneTemplate } from './containerd-template.ts';
import { readIfExists, systemCode, writeAtomic } from './files.ts';
import { type MachineBootstrap, prepareBootstrap } from './identity.ts';
import { machinePaths } from './kubelet-config.ts';
import { enterScript, pullScript, type ScriptOptions, startScript, superviseScript } from './scripts.ts';
import type { MachineSpec } from './spec.ts';

/** CPU limits begin this long after the start, so that a small cell boots as fast as a large one. */
const BOOT_BURST_SECONDS = 8;

const FOLDERS = ['cni', 'cni-state', 'kubelet', 'log', 'pki', 'registry', 'tmp', 'volume-plugins'];

/** Folders by which Kubernetes' programs know each other; a machine mounts its own over them, the host's stay empty. */
const MOUNT_POINTS = ['/var/lib/kubelet', '/var/lib/cni'];

/** What ending a machine needs to know of it, whichever version of the code made it. */
export interface MachineRecord {
  readonly cgroup: string;
  readonly network: MachineSpec['network'];
}

/** The record of the machine in a folder, or undefined when none was begun there. */
export async function readRecord(directory: string): Promise<MachineRecord | undefined> {
  const text = await readIfExists(join(directory, 'machine.json'));
  return text === undefined ? undefined : (JSON.parse(text) as MachineRecord);
}

function kubeletCommand(spec: MachineSpec): readonly string[] {
  const { directory, kubelet, network } = spec;
  return [
    kubelet.kubelet,
    `--config=${directory}/kubelet.json`,
    `--kubeconfig=${directory}/kubeconfig`,
    `--cert-dir=${directory}/pki`,
    '--root-dir=/var/lib/kubelet',
    `--hostname-override=${kubelet.nodeName}`,
    `--node-ip=${network.address}`,
    ...(kubelet.args ?? []),
  ];
}

/** Not with its parents: whoever ended the machine just now may have removed them. */
async function makeFolder(path: string, mode: number): Promise<void> {
  await mkdir(path, { mode }).catch((error) => {
    if (systemCode(error) !== 'EEXIST') throw error;
  });
}

function isUnderTmp(spec: MachineSpec): boolean {
  const needed = [
    spec.directory,
    spec.kubelet.kubelet,
    spec.containerd.containerd,
    spec.containerd.runc,
    spec.containerd.cniBinDir,
    spec.containerd.template,
  ];
  return needed.some((path) => path !== undefined && resolve(path).startsWith('/tmp/'));
}

async function scriptOptions(spec: MachineSpec): Promise<ScriptOptions> {
  const { directory, cgroup, network, limits, containerd } = spec;
  const hierarchies = await cgroupHierarchies();
  const cpuLimit = limits && cpuLimitFile(hierarchies, cgroup, limits);
  const programs = [containerd.containerd, ...(containerd.runc === undefined ? [] : [containerd.runc])];
  return {
    directory,
    cgroup,
    network,
    hierarchies,
    containerd: [containerd.containerd, '--config', `${directory}/containerd.toml`],
    bootstraps: spec.kubelet.bootstrap !== undefined,
    kubelet: kubeletCommand(spec),
    images: containerd.images ?? [],
    path: [...new Set(programs.map((program) => dirname(program)))],
    privateTmp: !isUnderTmp(spec),
    ...(cpuLimit && { cpuLimit: { ...cpuLimit, afterSeconds: BOOT_BURST_SECONDS } }),
  };
}

function configurationOf(spec: MachineSpec): string {
  const { directory, kubelet } = spec;
  const secured = kubelet.clientCaPem === undefined ? {} : securedBy(`${directory}/ca.crt`);
  return JSON.stringify({ ...secured, ...kubelet.configuration, ...machinePaths(directory) }, null, 2);
}

function kubeconfigOf({ server, caPem }: MachineBootstrap, pair: string): string {
  const authority = { 'certificate-authority-data': Buffer.from(caPem).toString('base64') };
  return rotatedKubeconfig({ server, authority, pair });
}

/**
 * Writes all that the machine's first process needs, and makes its cgroup. Safe to repeat, also by another process at
 * the same time. The record comes first: from then on `endMachine` can clean up whatever follows.
 */
export async function prepareMachine(spec: MachineSpec): Promise<void> {
  const { directory, containerd, kubelet, network } = spec;
  const at = (name: string) => join(directory, name);
  await Promise.all([makeFolder(directory, 0o700), ...MOUNT_POINTS.map((path) => mkdir(path, { recursive: true }))]);
  const record: MachineRecord = { cgroup: spec.cgroup, network };
  await writeAtomic(at('machine.json'), JSON.stringify(record, null, 2));
  await Promise.all(FOLDERS.map((folder) => mkdir(at(folder), { recursive: true })));
  await mkdir(at('registry/_default'), { recursive: true });
  // As /tmp is; mkdir's own mode would be cut by the umask.
  await chmod(at('tmp'), 0o1777);
  const toml = containerdConfig({
    root: at('containerd'),
    cniConfDir: at('cni'),
    cniBinDir: containerd.cniBinDir,
    registryDir: at('registry'),
    sandboxImage: containerd.sandboxImage,
    ...(containerd.runc === undefined ? {} : { runc: containerd.runc }),
  });
  const scripts = await scriptOptions(spec);
  const optional = (name: string, text: string | undefined, mode: number) =>
    text === undefined ? undefined : writeAtomic(at(name), text, mode);
  await Promise.all([
    writeAtomic(at('start.sh'), startScript(scripts)),
    writeAtomic(at('enter.sh'), enterScript(scripts)),
    writeAtomic(at('supervise.sh'), superviseScript(scripts)),
    writeAtomic(at('pull.sh'), pullScript(scripts)),
    writeAtomic(at('bootstrap.sh'), bootstrapScript({ directory })),
    writeAtomic(at('containerd.toml'), toml),
    writeAtomic(at('cni/10-nodeless.conflist'), cniConfig(network.podCidr)),
    writeFile(at('resolv.conf'), `nameserver ${spec.nameserver}\n`),
    writeAtomic(at('kubelet.json'), configurationOf(spec)),
    optional(
      'registry/_default/hosts.toml',
      containerd.registryMirror && mirrorHosts(containerd.registryMirror),
      0o644,
    ),
    optional('ca.crt', kubelet.clientCaPem, 0o644),
    optional(
      'kubeconfig',
      kubelet.bootstrap ? kubeconfigOf(kubelet.bootstrap, at(CLIENT_PAIR)) : kubelet.kubeconfig,
      0o600,
    ),
    kubelet.bootstrap && prepareBootstrap(directory, kubelet.nodeName, kubelet.bootstrap),
    containerd.template === undefined ? undefined : cloneTemplate(containerd.template, at('containerd')),
    makeCgroup(spec.cgroup, spec.limits).then(() => setCpuWeight(spec.cgroup, spec.cpuWeight ?? 'equal')),
  ]);
}
