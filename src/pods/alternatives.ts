import { fargateSize, pricePerHourUsd, type UnitPrices } from '../core/fargate.ts';
import type { Resources } from '../core/resources.ts';

type Request = Pick<Resources, 'cpuMilli' | 'memoryBytes'>;

/** What the same pods would be paid for elsewhere. */
export interface AlternativePrices {
  readonly fargate: UnitPrices;
  /** Machines of one kind, as many as the most that there ever was needs, all the time. */
  readonly fixedPool: {
    /** What one has for pods. */
    readonly machine: Request;
    readonly pricePerHourUsd: number;
  };
}

/** Dollars an hour, by alternative. */
export interface AlternativesNow {
  readonly fargate: number;
  readonly 'fixed-pool': number;
}

const NONE = { cpuMilli: 0, memoryBytes: 0, fargateUsd: 0 };

/** How many machines hold so much, if nothing is lost between them. */
export function machinesFor({ cpuMilli, memoryBytes }: Request, machine: Request): number {
  return Math.ceil(Math.max(cpuMilli / machine.cpuMilli, memoryBytes / machine.memoryBytes));
}

/** Keeps what the pods that run now would cost elsewhere, a few additions for each change. */
export class Alternatives {
  readonly #prices: AlternativePrices;
  readonly #pods = new Map<string, typeof NONE>();
  #now = NONE;
  #peak: Request = NONE;

  constructor(prices: AlternativePrices) {
    this.#prices = prices;
  }

  /** A pod runs with these requests. */
  runs(uid: string, { cpuMilli, memoryBytes }: Request): void {
    const size = fargateSize({ cpuMilli, memoryBytes });
    const fargateUsd = pricePerHourUsd(size.cpuMilli, size.gib, this.#prices.fargate);
    this.#replace(uid, { cpuMilli, memoryBytes, fargateUsd });
    this.#peak = {
      cpuMilli: Math.max(this.#peak.cpuMilli, this.#now.cpuMilli),
      memoryBytes: Math.max(this.#peak.memoryBytes, this.#now.memoryBytes),
    };
  }

  /** A pod runs no more. */
  ended(uid: string): void {
    this.#replace(uid, undefined);
  }

  get now(): AlternativesNow {
    const { machine, pricePerHourUsd: perMachineUsd } = this.#prices.fixedPool;
    return {
      fargate: this.#now.fargateUsd,
      'fixed-pool': machinesFor(this.#peak, machine) * perMachineUsd,
    };
  }

  #replace(uid: string, after: typeof NONE | undefined): void {
    const before = this.#pods.get(uid) ?? NONE;
    if (after === undefined) this.#pods.delete(uid);
    else this.#pods.set(uid, after);
    const { cpuMilli, memoryBytes, fargateUsd } = after ?? NONE;
    // From nothing again where nothing is left: sums of fractions drift.
    this.#now =
      this.#pods.size === 0
        ? NONE
        : {
            cpuMilli: this.#now.cpuMilli - before.cpuMilli + cpuMilli,
            memoryBytes: this.#now.memoryBytes - before.memoryBytes + memoryBytes,
            fargateUsd: this.#now.fargateUsd - before.fargateUsd + fargateUsd,
          };
  }
}
