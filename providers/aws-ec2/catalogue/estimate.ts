import type { MachineType } from './machine-type.ts';

const GiB = 2 ** 30;

// Fitted to list prices of us-east-1, families c, m and r of generations 6 to 8, and g and p of GPUs.
const VCPU_HOUR_USD = 0.0376;
const ARM_VCPU_HOUR_USD = 0.0305;
const GIB_HOUR_USD = 0.0033;
/** Burstable machines are cheap in what they give without end, and not in memory. */
const BURSTABLE_GIB_HOUR_USD = 0.0066;
const GPU_GIB_HOUR_USD = 0.05;
const DEVICE_HOUR_USD = 0.5;
/** Each generation before this one cost more for the same. */
const NEW_GENERATION = 6;
const OLDER_SHARE = 0.05;
/** A spot machine's usual share of the on-demand price. */
const SPOT_SHARE = 0.4;

function generationOf(name: string): number {
  return Number(/^[a-z-]+(\d+)/.exec(name)?.[1] ?? NEW_GENERATION);
}

/** What an hour of the type may cost on demand, where no price list has it: right to about a third. */
export function estimateHourUsd(type: MachineType): number {
  const gib = type.memoryBytes / GiB;
  if (type.baselineCpuMilli !== undefined) {
    return (type.baselineCpuMilli / 1_000) * VCPU_HOUR_USD + gib * BURSTABLE_GIB_HOUR_USD;
  }
  const vcpuUsd = type.arch === 'arm64' ? ARM_VCPU_HOUR_USD : VCPU_HOUR_USD;
  const devices = Object.values(type.devices).reduce((sum, count) => sum + count, 0);
  const accelerated =
    type.gpuMemoryBytes > 0 ? (type.gpuMemoryBytes / GiB) * GPU_GIB_HOUR_USD : devices * DEVICE_HOUR_USD;
  const age = Math.max(0, NEW_GENERATION - generationOf(type.name));
  return (type.vcpus * vcpuUsd + gib * GIB_HOUR_USD) * (1 + age * OLDER_SHARE) + accelerated;
}

/** What an hour of spot may cost where EC2 does not tell, from the on-demand price. */
export function estimateSpotHourUsd(onDemandHourUsd: number): number {
  return onDemandHourUsd * SPOT_SHARE;
}
