import { pricePerHourUsd } from '../../src/core/fargate.ts';
import type { Offering } from '../../src/core/offerings.ts';
import type { Resources } from '../../src/core/resources.ts';

const GiB = 2 ** 30;

const CPUS_MILLI = [250, 500, 1000, 2000, 4000, 8000, 16_000];
const GIB_PER_VCPU = [2, 4, 8];
const DISK_BYTES = 20 * GiB;
const OVERHEAD_BYTES = 128 * 2 ** 20;

/** The launch type of simulated cells. */
export const SIMULATED = 'simulated';

function offering(cpuMilli: number, memoryBytes: number, zone: string): Offering {
  const allocatable: Resources = { cpuMilli, memoryBytes, ephemeralStorageBytes: DISK_BYTES, extended: {} };
  return {
    instanceType: `simulated-${cpuMilli / 1000}c-${memoryBytes / GiB}g`,
    launchType: SIMULATED,
    zone,
    arch: 'amd64',
    allocatable,
    capacity: { ...allocatable, memoryBytes: memoryBytes + OVERHEAD_BYTES },
    // A simulated cell costs what the same size costs on Fargate.
    pricePerHourUsd: Number(pricePerHourUsd(cpuMilli, memoryBytes / GiB).toFixed(8)),
    available: true,
  };
}

/** 250m to 16 vCPU with 2, 4 or 8 GiB for each, in every zone. */
export function simulatedOfferings(zones: readonly string[]): readonly Offering[] {
  return zones.flatMap((zone) =>
    CPUS_MILLI.flatMap((cpuMilli) =>
      GIB_PER_VCPU.map((ratio) => offering(cpuMilli, (cpuMilli / 1000) * ratio * GiB, zone)),
    ),
  );
}
