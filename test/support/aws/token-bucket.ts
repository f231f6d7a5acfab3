/** A bucket as EC2's: holds `capacity`, gains `perSecond`. */
export interface BucketSize {
  readonly capacity: number;
  readonly perSecond: number;
}

export class TokenBucket {
  readonly #size: BucketSize;
  readonly #now: () => number;
  #tokens: number;
  #atMs: number;

  constructor(size: BucketSize, now: () => number = Date.now) {
    this.#size = size;
    this.#now = now;
    this.#tokens = size.capacity;
    this.#atMs = now();
  }

  /** Takes as many as there are, up to `wanted`. */
  take(wanted: number): number {
    const nowMs = this.#now();
    const gained = ((nowMs - this.#atMs) / 1_000) * this.#size.perSecond;
    this.#tokens = Math.min(this.#size.capacity, this.#tokens + gained);
    this.#atMs = nowMs;
    const taken = Math.min(wanted, Math.floor(this.#tokens));
    this.#tokens -= taken;
    return taken;
  }
}
