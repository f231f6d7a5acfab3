import type { Clock } from '../../../src/core/clock.ts';
import type { Offering } from '../../../src/core/offerings.ts';
import type { Inventory } from '../instances/inventory.ts';
import type { Ec2Machine } from '../instances/machine.ts';
import { cellTagsOf, type Tags } from '../instances/tags.ts';

export interface FreshMachine {
  readonly instanceId: string;
  readonly tags: Tags;
  readonly offering: Offering;
  readonly nowMs: number;
  /** Whether its tags say already which cell it is. */
  readonly isTagged: boolean;
}

/** A machine that EC2 has given and does not describe yet, as it must be. */
function asLaunched({ instanceId, tags, offering, nowMs }: FreshMachine): Ec2Machine {
  const { instanceType, launchType, zone, arch, allocatable, pricePerHourUsd, isPriceEstimated } = offering;
  const estimated = isPriceEstimated === true ? { isPriceEstimated } : {};
  const machine = { instanceType, launchType, zone, arch, allocatable, pricePerHourUsd, ...estimated };
  const life = { addresses: [], createdAtMs: nowMs, state: 'launching' as const };
  return { instanceId, tags, machine: { ...machine, ...life, tags: cellTagsOf(tags, instanceId) } };
}

/** EC2 describes a machine within seconds of its launch. */
const VISIBLE_WITHIN_MS = 5_000;
const LOOK_MS = 500;

/** The machine as EC2 describes it, or as it must be where EC2 takes its time; noted in the inventory either way. */
export async function describedMachine(
  fresh: FreshMachine,
  { inventory, clock }: { readonly inventory: Inventory; readonly clock: Clock },
  signal: AbortSignal,
): Promise<Ec2Machine> {
  const launched = asLaunched(fresh);
  inventory.assigned(launched, fresh);
  const untilMs = clock.now() + VISIBLE_WITHIN_MS;
  // What EC2 can't tell now is no reason to take back what it has given.
  const look = () => inventory.ofId(fresh.instanceId, signal).catch(() => undefined);
  let described = await look();
  while (described === undefined && clock.now() < untilMs && !signal.aborted) {
    await clock.sleep(LOOK_MS, signal);
    described = await look();
  }
  if (described === undefined) return launched;
  inventory.described(described);
  return described;
}
