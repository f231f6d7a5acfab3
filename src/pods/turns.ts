/** One after the other under each key. Who finds it taken does not wait here, but is called when it is free. */
export class Turns {
  readonly #taken = new Set<string>();
  /** Who is to be called, by key and then by who it is, in the order in which they came. */
  readonly #line = new Map<string, Map<string, () => void>>();

  /** Whether somebody else has the turn; then `call` is called once when it may be free. */
  isTaken(key: string, who: string, call: () => void): boolean {
    if (!this.#taken.has(key)) return false;
    const line = this.#line.get(key) ?? new Map<string, () => void>();
    this.#line.set(key, line.set(who, call));
    return true;
  }

  /** Takes a turn that is free until the work is done. */
  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    this.#taken.add(key);
    try {
      return await work();
    } finally {
      this.#taken.delete(key);
      this.#callNext(key);
    }
  }

  #callNext(key: string): void {
    const line = this.#line.get(key);
    const [next] = line ?? [];
    if (line === undefined || next === undefined) return;
    const [who, call] = next;
    line.delete(who);
    if (line.size === 0) this.#line.delete(key);
    call();
  }
}
