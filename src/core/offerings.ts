import type { Resources } from './resources.ts';
import type { RootVolume } from './root-volume.ts';

export const LAUNCH_TYPES = ['ec2-on-demand', 'ec2-spot', 'fargate', 'local', 'simulated'] as const;
export type LaunchType = (typeof LAUNCH_TYPES)[number];

/** The unit of choice: one size of machine, bought one way, in one zone, at one price. */
export interface Offering {
  /** Instance type or task size, such as `m7g.large` or `local-1c-2g`. */
  readonly instanceType: string;
  readonly launchType: LaunchType;
  readonly zone: string;
  /** `kubernetes.io/arch` of the machine. */
  readonly arch: string;
  /** What the machine has. */
  readonly capacity: Resources;
  /** What is left for pods after the machine's own kubelet and system. */
  readonly allocatable: Resources;
  /** CPU that a burstable machine gives without end; absent where that is all it has. */
  readonly baselineCpuMilli?: number;
  /** All that one hour of the cell costs: compute, root disk, address. */
  readonly pricePerHourUsd: number;
  /** True where no price list has it, and the price is a guess from the machine's size. */
  readonly isPriceEstimated?: boolean;
  readonly available: boolean;
  /** Where the disk is as large as the class of the cell asks for. */
  readonly rootVolume?: RootVolume;
  /** Names what is counted to one quota in the cloud; absent where each type has its own. */
  readonly quota?: string;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** Cheapest first. The order is total, and no locale's, so equal inputs are chosen from equally everywhere. */
export function byPrice(a: Offering, b: Offering): number {
  return (
    a.pricePerHourUsd - b.pricePerHourUsd ||
    a.allocatable.memoryBytes - b.allocatable.memoryBytes ||
    compareText(a.instanceType, b.instanceType) ||
    compareText(a.launchType, b.launchType) ||
    compareText(a.zone, b.zone) ||
    compareText(a.arch, b.arch)
  );
}

/** What a pod may count on for as long as it runs: of a burstable machine only its baseline. */
export function countedOf({ allocatable, baselineCpuMilli = Number.POSITIVE_INFINITY }: Offering): Resources {
  return baselineCpuMilli >= allocatable.cpuMilli ? allocatable : { ...allocatable, cpuMilli: baselineCpuMilli };
}
