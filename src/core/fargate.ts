import type { Resources } from './resources.ts';

/** What a vCPU and a GiB of memory cost for an hour. */
export interface UnitPrices {
  readonly cpuPerHourUsd: number;
  readonly memoryGibPerHourUsd: number;
}

/** Fargate's list prices, us-east-1, Linux x86, 2026. */
export const FARGATE_PRICES: UnitPrices = { cpuPerHourUsd: 0.04048, memoryGibPerHourUsd: 0.004445 };

const GiB = 2 ** 30;
/** What EKS adds to a pod's memory on Fargate for the kubelet, kube-proxy and containerd. */
const OWN_MEMORY_BYTES = 256 * 2 ** 20;

/** Sizes of Fargate's tasks: each CPU goes with memory from `from` to `to` GiB in steps, smaller ones first. */
const SIZES = [
  { cpuMilli: 250, gib: [0.5, 1, 2] },
  { cpuMilli: 500, gib: steps(1, 4, 1) },
  { cpuMilli: 1_000, gib: steps(2, 8, 1) },
  { cpuMilli: 2_000, gib: steps(4, 16, 1) },
  { cpuMilli: 4_000, gib: steps(8, 30, 1) },
  { cpuMilli: 8_000, gib: steps(16, 60, 4) },
  { cpuMilli: 16_000, gib: steps(32, 120, 8) },
] as const;

function steps(from: number, to: number, by: number): readonly number[] {
  return Array.from({ length: Math.floor((to - from) / by) + 1 }, (_, index) => from + index * by);
}

/**
 * The smallest task that EKS would give a pod of these requests; what is larger than all of them counts as what it is. Sources: EKS's
 * and ECS's documents on Fargate pod configuration.
 */
export function fargateSize({ cpuMilli, memoryBytes }: Pick<Resources, 'cpuMilli' | 'memoryBytes'>) {
  const gib = (memoryBytes + OWN_MEMORY_BYTES) / GiB;
  for (const size of SIZES) {
    const fitting = size.gib.find((step) => step >= gib);
    if (size.cpuMilli >= cpuMilli && fitting !== undefined) return { cpuMilli: size.cpuMilli, gib: fitting };
  }
  return { cpuMilli, gib };
}

/** What so much CPU and memory costs an hour, in dollars. */
export function pricePerHourUsd(cpuMilli: number, gib: number, prices: UnitPrices = FARGATE_PRICES): number {
  return (cpuMilli / 1_000) * prices.cpuPerHourUsd + gib * prices.memoryGibPerHourUsd;
}
