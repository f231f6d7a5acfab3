import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { routerAddress } from '../../../../providers/local/machine/addressing.ts';
import { containerdTemplate } from '../../../../providers/local/machine/containerd-template.ts';
import { endMachine } from '../../../../providers/local/machine/machine.ts';
import { linkName, namespaceName } from '../../../../providers/local/machine/network.ts';
import { startRouter } from '../../../../providers/local/router.ts';
import { readEnvironment } from '../../../../src/config/environment.ts';
import { systemProgram } from '../../../../src/local-cluster/binaries/lookup.ts';
import { PAUSE_IMAGE } from '../../../../src/local-cluster/images/catalog.ts';
import { DNS_SERVICE_ADDRESS } from '../../../../src/local-cluster/network/addresses.ts';
import type { LocalCluster } from '../../../../src/local-cluster/up.ts';
import { type AwsBed, BED_REGION } from '../bed.ts';
import { imdsFacts } from '../imds.ts';
import { addressFromEnd, type BedInstance, instancesIn, subnetRanges, userDataOf } from './instances.ts';
import { bootMachine, LOGS, type MachineHost, machineFolder } from './machine.ts';
import { programOf } from './user-data.ts';

export interface HypervisorOptions {
  readonly bed: AwsBed;
  /** Machines are routed by its namespace, and go with it. */
  readonly cluster: LocalCluster;
  /** From a machine's being there to its first program. */
  readonly bootDelayMs: number;
}

export interface Hypervisor {
  /** Ids of the machines that have been booted and not ended. */
  readonly running: ReadonlySet<string>;
  /** What could not be booted or ended, and why. */
  readonly failures: readonly string[];
  /** The last lines of a machine's logs. */
  lastWords(instanceId: string): Promise<string>;
  /** Ends all machines. */
  stop(): Promise<void>;
}

/** The emulator's network, as its first subnets have it, and that of its Services. */
const RANGES = { cellCidr: '172.31.0.0/16', podCidr: '172.31.0.0/16', serviceCidr: '10.96.0.0/16' };
const IMDS_PROCESS = fileURLToPath(new URL('./imds-process.ts', import.meta.url));
const LOOK_MS = 250;
const LAST_LINES = 25;

async function prepareHost({ cluster }: HypervisorOptions): Promise<MachineHost> {
  const { cacheFolder } = readEnvironment();
  const containerd = (await systemProgram('containerd', readEnvironment())) ?? '';
  const archives = cluster.images.map(({ path }) => path);
  const template = { cacheDir: cacheFolder, archives, containerd, sandboxImage: PAUSE_IMAGE };
  const folder = join(cluster.paths.stateDir, 'machines');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return {
    folder,
    cgroup: cluster.paths.cgroup,
    routerNamespace: `/run/netns/${cluster.paths.namespace}`,
    nameserver: DNS_SERVICE_ADDRESS,
    programs: { kubelet: join(cluster.binDir, 'kubelet'), 'kube-proxy': join(cluster.binDir, 'kube-proxy') },
    template: await containerdTemplate(template, AbortSignal.timeout(300_000)),
  };
}

/** Serves machines' metadata where they look for it; a machine's own is the file of its address. */
async function startImds({ routerNamespace }: MachineHost, folder: string): Promise<ChildProcess> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const enter = `--net=${routerNamespace}`;
  await execa('nsenter', [enter, 'ip', 'addr', 'replace', '169.254.169.254/32', 'dev', 'nodeless0']);
  return spawn('nsenter', [enter, process.execPath, IMDS_PROCESS, folder], { stdio: ['ignore', 'ignore', 'inherit'] });
}

/**
 * Boots a machine in a namespace for every machine that runs in the bed, by executing the user data that it was given, and
 * ends it with that. What of EC2 there is beside it: its metadata, its address, and one address for a pod.
 */
export async function startHypervisor(options: HypervisorOptions): Promise<Hypervisor> {
  const { bed, cluster, bootDelayMs } = options;
  const host = await prepareHost(options);
  const facts = join(host.folder, 'metadata');
  await startRouter(
    { ranges: RANGES, outbound: false, networkNamespace: host.routerNamespace },
    AbortSignal.timeout(10_000),
  );
  const subnets = await subnetRanges(bed);
  const imds = await startImds(host, facts);
  const seen = new Map<string, { readonly dueMs: number; readonly index: number }>();
  const running = new Set<string>();
  const failures: string[] = [];
  const stopped = new AbortController();

  async function boot({ instanceId, address, zone, subnetId }: BedInstance, index: number): Promise<void> {
    const subnetCidr = subnets.get(subnetId) ?? '';
    const podAddress = addressFromEnd(subnetCidr, index);
    const role = bed.profiles.of(instanceId) ?? '';
    const credentials = bed.roles.credentials(role, instanceId);
    const machine = { instanceId, address, zone, subnetCidr, role, credentials, region: BED_REGION };
    const file = join(facts, `${address}.json`);
    await writeFile(`${file}.tmp`, JSON.stringify(imdsFacts({ ...machine, podAddresses: [podAddress] })));
    await rename(`${file}.tmp`, file);
    const network = {
      address,
      podCidr: `${podAddress}/32`,
      namespace: namespaceName(cluster.paths.name, instanceId),
      link: linkName(cluster.paths.name, index),
      gateway: routerAddress(RANGES),
      routerNamespace: host.routerNamespace,
    };
    const console = join(machineFolder(host, instanceId), 'console.log');
    bed.consoles.set(instanceId, () => readFile(console, 'utf8').catch(() => ''));
    await bootMachine(host, { instanceId, network, program: programOf(await userDataOf(bed, instanceId)) });
  }

  async function end({ instanceId, address }: Pick<BedInstance, 'instanceId' | 'address'>): Promise<void> {
    await rm(join(facts, `${address}.json`), { force: true });
    await endMachine(machineFolder(host, instanceId));
    running.delete(instanceId);
  }

  async function tick(): Promise<void> {
    for (const one of await instancesIn(bed)) {
      const { instanceId, state } = one;
      const known = seen.get(instanceId) ?? { dueMs: Date.now() + bootDelayMs, index: seen.size };
      seen.set(instanceId, known);
      if (state === 'terminated' && running.has(instanceId)) await end(one);
      if (state !== 'running' || running.has(instanceId) || Date.now() < known.dueMs) continue;
      running.add(instanceId);
      await boot(one, known.index);
    }
  }

  async function run(): Promise<void> {
    while (!stopped.signal.aborted) {
      await tick().catch((error: unknown) => failures.push(String(error)));
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  const done = run();
  return {
    running,
    failures,
    async lastWords(instanceId) {
      const texts = LOGS.map(async (name) => {
        const text = await readFile(join(machineFolder(host, instanceId), name), 'utf8').catch(() => '');
        return `${name}:\n${text.trimEnd().split('\n').slice(-LAST_LINES).join('\n')}`;
      });
      return (await Promise.all(texts)).join('\n');
    },
    async stop() {
      stopped.abort();
      await done;
      try {
        for (const instanceId of [...running]) await endMachine(machineFolder(host, instanceId));
      } finally {
        const ended = once(imds, 'exit');
        if (imds.exitCode === null && imds.kill('SIGTERM')) await ended;
      }
    },
  };
}
