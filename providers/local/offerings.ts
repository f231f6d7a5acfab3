import { pricePerHourUsd } from '../../src/core/fargate.ts';
import type { Offering } from '../../src/core/offerings.ts';
import type { Resources } from '../../src/core/resources.ts';

const MiB = 2 ** 20;
const GiB = 2 ** 30;

/** What a cell's own kubelet and containerd take: 130 MB resident measured, and room for their page cache. */
const CELL_OVERHEAD = { cpuMilli: 100, memoryBytes: 192 * MiB };
/** Left to the machine below the largest cell. */
const HOST_RESERVE_BYTES = 512 * MiB;
const SMALLEST_CPU_MILLI = 250;
const SMALLEST_MEMORY_BYTES = 256 * MiB;
/** Room that pods' volumes, layers and logs are not sold from, so that a kubelet's own figure always covers it. */
const DISK_SHARE = 0.9;

/** The machine that cells are cut from. */
export interface HostMachine {
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  /** Size of the file system of the state folder. */
  readonly diskBytes: number;
  /** `process.arch`. */
  readonly arch: string;
}

/** Doublings from `first` while below `largest`, then `largest` itself. */
function doublings(first: number, largest: number): readonly number[] {
  const steps: number[] = [];
  for (let step = first; step < largest; step *= 2) steps.push(step);
  return [...steps, largest];
}

/** Kubernetes' name of a Node.js architecture. */
function kubernetesArch(nodeArch: string): string {
  return nodeArch === 'x64' ? 'amd64' : nodeArch;
}

/** Price of one hour: what the same size would cost on Fargate, where it is not yours already. */
function localPriceUsd(cpuMilli: number, memoryBytes: number): number {
  return Number(pricePerHourUsd(cpuMilli, memoryBytes / GiB).toFixed(8));
}

function offering(host: HostMachine, zone: string, cpuMilli: number, memoryBytes: number): Offering {
  const allocatable: Resources = {
    cpuMilli,
    memoryBytes,
    ephemeralStorageBytes: Math.floor(host.diskBytes * DISK_SHARE),
    extended: {},
  };
  return {
    instanceType: `local-${cpuMilli / 1000}c-${memoryBytes / GiB}g`,
    launchType: 'local',
    zone,
    arch: kubernetesArch(host.arch),
    allocatable,
    capacity: {
      ...allocatable,
      cpuMilli: Math.min(cpuMilli + CELL_OVERHEAD.cpuMilli, host.cpuMilli),
      memoryBytes: Math.min(memoryBytes + CELL_OVERHEAD.memoryBytes, host.memoryBytes),
    },
    pricePerHourUsd: localPriceUsd(cpuMilli, memoryBytes),
    available: true,
  };
}

/**
 * The sizes of cells: every doubling of 250m CPU up to all of the machine's, by every doubling of 256Mi up to its
 * memory less half a GiB. Machines are oversold on purpose: only what pods really use is limited. All of it is offered in
 * each zone, which are names only: it is one machine.
 */
export function localOfferings(host: HostMachine, zones: readonly string[]): readonly Offering[] {
  const most = Math.floor((host.memoryBytes - HOST_RESERVE_BYTES) / SMALLEST_MEMORY_BYTES) * SMALLEST_MEMORY_BYTES;
  const memories = doublings(SMALLEST_MEMORY_BYTES, Math.max(SMALLEST_MEMORY_BYTES, most));
  const sizes = doublings(SMALLEST_CPU_MILLI, host.cpuMilli).flatMap((cpuMilli) =>
    memories.map((memoryBytes) => ({ cpuMilli, memoryBytes })),
  );
  return zones.flatMap((zone) => sizes.map(({ cpuMilli, memoryBytes }) => offering(host, zone, cpuMilli, memoryBytes)));
}
