/** A measured distribution of durations: its samples in order. */
export class MeasuredTimes {
  readonly #sortedMs: Float64Array;

  /** @throws RangeError without samples, for a distribution of nothing answers nothing. */
  constructor(samplesMs: ArrayLike<number>) {
    if (samplesMs.length === 0) throw new RangeError('a distribution needs at least one sample');
    this.#sortedMs = Float64Array.from(samplesMs).sort();
  }

  /** How many samples there are. */
  get count(): number {
    return this.#sortedMs.length;
  }

  /** The share of samples that are at most `ms`. */
  shareWithin(ms: number): number {
    let low = 0;
    let high = this.#sortedMs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sortedMs[middle] ?? 0) <= ms) low = middle + 1;
      else high = middle;
    }
    return low / this.#sortedMs.length;
  }

  /** The smallest sample that at least `share` of them do not exceed. */
  quantileMs(share: number): number {
    const last = this.#sortedMs.length - 1;
    const index = Math.ceil(share * this.#sortedMs.length) - 1;
    return this.#sortedMs[Math.min(last, Math.max(0, index))] ?? 0;
  }

  /** The mean of what is left of each sample after `ms` of it: E[(T − ms)⁺]. */
  meanBeyondMs(ms: number): number {
    return this.#sortedMs.reduce((sum, sample) => sum + Math.max(0, sample - ms), 0) / this.#sortedMs.length;
  }
}

/** What a pool has measured of its starts. */
export interface MeasuredStarts {
  /** Creation to containers started of a pod that finds a ready cell. */
  readonly warm: MeasuredTimes;
  /** … that has a stopped cell started. */
  readonly resumed: MeasuredTimes;
  /** … that has a cell launched. */
  readonly cold: MeasuredTimes;
  /** Order to ready of a running cell, attempts without capacity included. */
  readonly lead: MeasuredTimes;
  /** Order to stopped of a stopped cell. */
  readonly stoppedLead: MeasuredTimes;
}
