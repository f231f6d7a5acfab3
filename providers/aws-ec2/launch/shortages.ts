import type { CreateFleetError } from '@aws-sdk/client-ec2';
import type { Clock } from '../../../src/core/clock.ts';
import type { Offering } from '../../../src/core/offerings.ts';
import { shortfallOf } from './fleet-request.ts';
import type { Fleet } from './fleets.ts';

/** What an offering that has no machines may cost: so many fleets that bring nothing, within so long. */
const MAX_FAILED = 10;
const WINDOW_MS = 10 * 60_000;
/** Offerings that are remembered before those are looked through that have nothing to remember any more. */
const MANY = 1_000;

interface Shortage {
  /** When fleets brought nothing, within the window; the oldest first. */
  failedAtMs: readonly number[];
  errors: readonly CreateFleetError[];
  /** The one fleet that finds out whether there are machines again. */
  probe: Promise<unknown> | undefined;
}

/** Keeps offerings that have no machines from being asked for again and again by all who wait for one. */
export class Shortages {
  readonly #clock: Clock;
  readonly #byOffering = new Map<string, Shortage>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Asks for a fleet of an offering. Of one that had no machines last, one fleet at a time is asked for, whose failure is
   * that of all who wait for it; and none at all after ten that brought nothing, until the first is ten minutes ago.
   */
  async ask(offering: Offering, create: () => Promise<Fleet>): Promise<Fleet> {
    const key = `${offering.launchType}/${offering.instanceType}/${offering.zone}`;
    const known = this.#known(key);
    if (known === undefined) return this.#ask(key, offering, create);
    if (known.failedAtMs.length >= MAX_FAILED) return refusal(known, WINDOW_MS);
    if (known.probe === undefined) {
      const probe = this.#ask(key, offering, create);
      known.probe = probe
        .catch(() => undefined)
        .finally(() => {
          known.probe = undefined;
        });
      return probe;
    }
    await known.probe;
    const after = this.#known(key);
    return after === undefined ? this.#ask(key, offering, create) : refusal(after);
  }

  async #ask(key: string, offering: Offering, create: () => Promise<Fleet>): Promise<Fleet> {
    const fleet = await create();
    const isLacking =
      fleet.machines.length === 0 && shortfallOf(fleet.errors, offering).code === 'InsufficientCapacity';
    if (isLacking) this.#failed(key, fleet.errors);
    else this.#byOffering.delete(key);
    return fleet;
  }

  #failed(key: string, errors: readonly CreateFleetError[]): void {
    const nowMs = this.#clock.now();
    const known = this.#known(key);
    if (known === undefined) this.#byOffering.set(key, { failedAtMs: [nowMs], errors, probe: undefined });
    else Object.assign(known, { failedAtMs: [...known.failedAtMs, nowMs], errors });
    if (this.#byOffering.size > MANY) for (const other of this.#byOffering.keys()) this.#known(other);
  }

  /** What is remembered of an offering; nothing of one that has not failed for as long as the window. */
  #known(key: string): Shortage | undefined {
    const known = this.#byOffering.get(key);
    if (known === undefined) return undefined;
    const fromMs = this.#clock.now() - WINDOW_MS;
    known.failedAtMs = known.failedAtMs.filter((atMs) => atMs > fromMs);
    if (known.failedAtMs.length > 0) return known;
    this.#byOffering.delete(key);
    return undefined;
  }
}

/** The answer of the last fleet, for one that was not asked for. */
function refusal({ errors, failedAtMs }: Shortage, windowMs?: number): Fleet {
  if (windowMs === undefined) return { machines: [], errors };
  const untilMs = (failedAtMs[0] ?? 0) + windowMs;
  const told = `not asked for before ${new Date(untilMs).toISOString()}, after ${failedAtMs.length} launches that brought nothing`;
  return {
    machines: [],
    errors: errors.map((error) => ({ ...error, ErrorMessage: `${error.ErrorMessage ?? ''}; ${told}` })),
  };
}
