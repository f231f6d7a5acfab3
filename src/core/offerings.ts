import { NodelessError } from './errors.ts';
import { covers, describeResources, type Resources, shortOf } from './resources.ts';

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
  /** All that one hour of the cell costs: compute, root disk, address. */
  readonly pricePerHourUsd: number;
  readonly available: boolean;
}

function byPrice(a: Offering, b: Offering): number {
  return (
    a.pricePerHourUsd - b.pricePerHourUsd ||
    a.allocatable.memoryBytes - b.allocatable.memoryBytes ||
    a.instanceType.localeCompare(b.instanceType) ||
    a.zone.localeCompare(b.zone)
  );
}

/** The available offerings that cover `need`, cheapest first; the order is total, so equal inputs choose equally. */
export function candidates(need: Resources, offerings: readonly Offering[]): readonly Offering[] {
  return offerings.filter((offering) => offering.available && covers(offering.allocatable, need)).sort(byPrice);
}

/**
 * The cheapest available offering that covers `need`.
 * @throws NodelessError NoOffering (naming the nearest offering) or InsufficientCapacity (retryable) when none can be had now.
 */
export function chooseOffering(need: Resources, offerings: readonly Offering[]): Offering {
  const [cheapest] = candidates(need, offerings);
  if (cheapest !== undefined) return cheapest;
  if (offerings.some((offering) => covers(offering.allocatable, need))) {
    throw new NodelessError({
      code: 'InsufficientCapacity',
      retryable: true,
      message: `every offering that fits ${describeResources(need)} is unavailable now; it is tried again`,
    });
  }
  const nearest = [...offerings].sort(
    (a, b) => shortOf(a.allocatable, need).length - shortOf(b.allocatable, need).length || byPrice(b, a),
  )[0];
  const hint =
    nearest === undefined
      ? 'the provider has no offerings'
      : `the nearest, ${nearest.instanceType} with ${describeResources(nearest.allocatable)}, lacks ${shortOf(nearest.allocatable, need).join(' and ')}`;
  throw new NodelessError({ code: 'NoOffering', message: `no offering fits ${describeResources(need)}: ${hint}` });
}
