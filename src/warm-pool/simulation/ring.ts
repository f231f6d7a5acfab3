/** A queue of whole numbers, first in, first out. */
export class Ring {
  #items = new Int32Array(256);
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The number that comes out next; undefined when there is none. */
  get first(): number | undefined {
    return this.#size === 0 ? undefined : this.#items[this.#head];
  }

  push(item: number): void {
    if (this.#size === this.#items.length) this.#grow();
    this.#items[(this.#head + this.#size) % this.#items.length] = item;
    this.#size += 1;
  }

  shift(): number | undefined {
    const item = this.first;
    if (item === undefined) return undefined;
    this.#head = (this.#head + 1) % this.#items.length;
    this.#size -= 1;
    return item;
  }

  #grow(): void {
    const { length } = this.#items;
    const grown = new Int32Array(length * 2);
    for (let index = 0; index < this.#size; index += 1)
      grown[index] = this.#items[(this.#head + index) % length] as number;
    this.#items = grown;
    this.#head = 0;
  }
}
