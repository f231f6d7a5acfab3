/** A binary min-heap of moments, each with a whole number; equal moments come out in the order of their numbers. */
export class EventHeap {
  #atMs = new Float64Array(1024);
  #payload = new Float64Array(1024);
  #size = 0;

  /** The earliest moment; infinity when there is none. */
  get nextMs(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : (this.#atMs[0] as number);
  }

  push(atMs: number, payload: number): void {
    if (this.#size === this.#atMs.length) this.#grow();
    let index = this.#size;
    this.#size += 1;
    this.#set(index, atMs, payload);
    while (index > 0) {
      const parent = (index - 1) >>> 1;
      if (!this.#isBefore(index, parent)) break;
      this.#swap(parent, index);
      index = parent;
    }
  }

  /** Takes the number of the earliest moment; undefined when there is none. */
  pop(): number | undefined {
    if (this.#size === 0) return undefined;
    const first = this.#payload[0] as number;
    this.#size -= 1;
    this.#set(0, this.#atMs[this.#size] as number, this.#payload[this.#size] as number);
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      if (left >= this.#size) break;
      const right = left + 1;
      const child = right < this.#size && this.#isBefore(right, left) ? right : left;
      if (!this.#isBefore(child, index)) break;
      this.#swap(child, index);
      index = child;
    }
    return first;
  }

  #set(index: number, atMs: number, payload: number): void {
    this.#atMs[index] = atMs;
    this.#payload[index] = payload;
  }

  #isBefore(a: number, b: number): boolean {
    const difference = (this.#atMs[a] as number) - (this.#atMs[b] as number);
    return difference < 0 || (difference === 0 && (this.#payload[a] as number) < (this.#payload[b] as number));
  }

  #swap(a: number, b: number): void {
    const atMs = this.#atMs[a] as number;
    const payload = this.#payload[a] as number;
    this.#set(a, this.#atMs[b] as number, this.#payload[b] as number);
    this.#set(b, atMs, payload);
  }

  #grow(): void {
    const grown = (from: Float64Array) => {
      const to = new Float64Array(from.length * 2);
      to.set(from);
      return to;
    };
    this.#atMs = grown(this.#atMs);
    this.#payload = grown(this.#payload);
  }
}
