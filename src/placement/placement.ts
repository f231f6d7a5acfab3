import type { CellProvider } from '../../providers/contract.ts';
import type { Clock } from '../core/clock.ts';
import { NodelessError } from '../core/errors.ts';
import { chooseOffering, type Offering } from '../core/offerings.ts';
import { describeResources, type Resources } from '../core/resources.ts';
import { podNeed } from '../core/sizing.ts';
import type { WirePod } from '../kube/wire-pod.ts';
import { unsuitability } from './suitability.ts';

export interface PlacementOptions {
  readonly provider: CellProvider;
  readonly clock: Clock;
  /** What a pod that asks for nothing gets. */
  readonly defaultSize: Resources;
}

/** What was chosen for a pod, and why in words. */
export interface Choice {
  readonly offering: Offering;
  readonly need: Resources;
  readonly why: string;
}

const OFFERINGS_TTL_MS = 60_000;
/** An exhausted offering is left alone this long at first, doubled at each failure up to the maximum. */
const UNAVAILABLE_MIN_MS = 5_000;
const UNAVAILABLE_MAX_MS = 180_000;

function keyOf(offering: Offering): string {
  return `${offering.launchType}/${offering.instanceType}/${offering.zone}`;
}

/** Chooses what a pod's cell is launched as, and remembers which offerings had no capacity. */
export class Placement {
  readonly #options: PlacementOptions;
  readonly #unavailable = new Map<string, { untilMs: number; failures: number }>();
  #offerings: { readonly atMs: number; readonly list: Promise<readonly Offering[]> } | undefined;

  constructor(options: PlacementOptions) {
    this.#options = options;
  }

  /** What a pod needs of its cell. */
  need(pod: WirePod): Resources {
    return podNeed(pod, this.#options.defaultSize);
  }

  /**
   * The cheapest offering for the pod, or for all that are to be on its machine.
   * @throws NodelessError InvalidConfig (the pod can't run on a cell), NoOffering or InsufficientCapacity.
   */
  async choose(pod: WirePod, signal: AbortSignal, need = this.need(pod)): Promise<Choice> {
    const obstacle = unsuitability(pod);
    if (obstacle !== undefined) throw new NodelessError({ code: 'InvalidConfig', message: obstacle });
    return this.chooseSize(need, signal);
  }

  /** The cheapest offering of at least this size. @throws NodelessError NoOffering or InsufficientCapacity */
  async chooseSize(need: Resources, signal: AbortSignal): Promise<Choice> {
    const offering = chooseOffering(need, await this.#available(signal));
    const price = `$${offering.pricePerHourUsd.toFixed(4)}/h`;
    const why = `${offering.instanceType} (${describeResources(offering.allocatable)}, ${price}) is the cheapest offering that fits ${describeResources(need)}`;
    return { offering, need, why };
  }

  /** An offering had no capacity: it is left out for a while that grows with each failure. */
  exhausted(offering: Offering): void {
    const failures = (this.#unavailable.get(keyOf(offering))?.failures ?? 0) + 1;
    const pauseMs = Math.min(UNAVAILABLE_MAX_MS, UNAVAILABLE_MIN_MS * 2 ** (failures - 1));
    this.#unavailable.set(keyOf(offering), { untilMs: this.#options.clock.now() + pauseMs, failures });
  }

  /** A launch of the offering went well. */
  succeeded(offering: Offering): void {
    this.#unavailable.delete(keyOf(offering));
  }

  async #available(signal: AbortSignal): Promise<readonly Offering[]> {
    const now = this.#options.clock.now();
    if (this.#offerings === undefined || now - this.#offerings.atMs > OFFERINGS_TTL_MS) {
      const list = this.#options.provider.offerings(signal);
      list.catch(() => {
        this.#offerings = undefined;
      });
      this.#offerings = { atMs: now, list };
    }
    const offerings = await this.#offerings.list;
    return offerings.map((offering) =>
      (this.#unavailable.get(keyOf(offering))?.untilMs ?? 0) > now ? { ...offering, available: false } : offering,
    );
  }
}
