import type { Resources } from '../../../src/core/resources.ts';
import { type RootVolume, usableDiskBytes } from '../../../src/core/root-volume.ts';
import type { MachineType } from './machine-type.ts';
import {
  EVICTION_MEMORY_MIB,
  RESERVED_CPU_SHARE_OF_OTHERS,
  RESERVED_CPU_SHARES,
  RESERVED_MEMORY_MIB,
} from './reserved.ts';

const MiB = 2 ** 20;
const GiB = 2 ** 30;

/** What the hypervisor and the kernel keep of the nominal memory, until machines of the type have said what they have. */
const VM_OVERHEAD_SHARE = 0.075;
const RESERVED_MEMORY_BYTES = (RESERVED_MEMORY_MIB + EVICTION_MEMORY_MIB) * MiB;
/** What an image of the system takes of its root volume, and the room below which a kubelet evicts. */
export const ROOT_VOLUME_USE = { systemBytes: 3 * GiB, evictionShare: 0.1 };

/** What a kubelet keeps of a machine's CPU. */
export function reservedCpuMilli(vcpus: number): number {
  let share = 0;
  for (let core = 0; core < vcpus; core += 1) share += RESERVED_CPU_SHARES[core] ?? RESERVED_CPU_SHARE_OF_OTHERS;
  return Math.ceil(share / 10);
}

/** What a machine of the type has, and what of it pods may have. */
export function resourcesOf(
  { vcpus, memoryBytes, devices }: MachineType,
  rootVolume: RootVolume,
): { readonly capacity: Resources; readonly allocatable: Resources } {
  const inMachine = Math.floor((memoryBytes * (1 - VM_OVERHEAD_SHARE)) / MiB) * MiB;
  return {
    capacity: { cpuMilli: vcpus * 1_000, memoryBytes, ephemeralStorageBytes: rootVolume.sizeBytes, extended: devices },
    allocatable: {
      cpuMilli: vcpus * 1_000 - reservedCpuMilli(vcpus),
      memoryBytes: Math.max(0, inMachine - RESERVED_MEMORY_BYTES),
      ephemeralStorageBytes: usableDiskBytes(rootVolume.sizeBytes, rootVolume),
      extended: devices,
    },
  };
}
