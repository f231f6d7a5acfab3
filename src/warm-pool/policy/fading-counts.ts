/** Counts that fade; all fade alike, so instead of making old ones less, new ones count more. */
export class FadingCounts {
  readonly #counts: Float64Array;
  readonly #keep: number;
  #unit = 1;
  #total = 0;

  /** @param keep what is left of a count after one step */
  constructor(length: number, keep: number) {
    this.#counts = new Float64Array(length);
    this.#keep = keep;
  }

  get length(): number {
    return this.#counts.length;
  }

  get total(): number {
    return this.#total / this.#unit;
  }

  fade(): void {
    this.#unit /= this.#keep;
    if (this.#unit < 1e100) return;
    for (let index = 0; index < this.#counts.length; index += 1)
      this.#counts[index] = (this.#counts[index] as number) / this.#unit;
    this.#total /= this.#unit;
    this.#unit = 1;
  }

  /** Counts one more at a place; beyond the last, at the last. */
  add(place: number): void {
    const index = Math.min(place, this.#counts.length - 1);
    this.#counts[index] = (this.#counts[index] as number) + this.#unit;
    this.#total += this.#unit;
  }

  at(place: number): number {
    return ((this.#counts[place] ?? 0) as number) / this.#unit;
  }
}
