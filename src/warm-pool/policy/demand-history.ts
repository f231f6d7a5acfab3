/** Counts by the bin of time, the last so many of them, with sums over any stretch in constant time. */
export class DemandHistory {
  readonly #bins: number;
  /** Sums up to and with each bin, where bin b is at b modulo the length; grows until it holds all bins. */
  #sums = new Float64Array(1_024);
  #first = 0;
  #next: number | undefined;

  /** @param bins how many bins are kept */
  constructor(bins: number) {
    this.#bins = bins;
  }

  /** Adds the count of a bin. Bins come one after the other. */
  add(bin: number, count: number): void {
    if (this.#next === undefined) {
      this.#first = bin;
      this.#next = bin;
    }
    if (this.#next - this.#first + 1 >= this.#sums.length) this.#makeRoom();
    this.#sums[bin % this.#sums.length] = this.#sumBefore(bin) + count;
    this.#next = bin + 1;
  }

  /** Whether a bin is kept. */
  knows(bin: number): boolean {
    return this.#next !== undefined && bin >= this.#first && bin < this.#next;
  }

  /** The sum of the bins in [from, to); what is not kept counts for nothing. */
  between(from: number, to: number): number {
    if (this.#next === undefined) return 0;
    const end = Math.min(to, this.#next);
    const start = Math.max(from, this.#first);
    return end <= start ? 0 : this.#sumBefore(end) - this.#sumBefore(start);
  }

  /** The sum of what came before a bin; before the very first bin, nothing did. */
  #sumBefore(bin: number): number {
    return this.#sums[(bin - 1 + this.#sums.length) % this.#sums.length] as number;
  }

  /** One slot is kept for the sum before the first bin. */
  #makeRoom(): void {
    if (this.#sums.length >= this.#bins + 1) {
      this.#first += 1;
      return;
    }
    const grown = new Float64Array(Math.min(this.#bins + 1, this.#sums.length * 2));
    for (let bin = this.#first; bin <= (this.#next ?? 0); bin += 1)
      grown[(bin - 1 + grown.length) % grown.length] = this.#sumBefore(bin);
    this.#sums = grown;
  }
}
