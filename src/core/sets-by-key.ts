/** Sets under keys; a key whose set is empty is not kept. */
export class SetsByKey {
  readonly #sets = new Map<string, Set<string>>();

  add(key: string, value: string): void {
    const set = this.#sets.get(key) ?? new Set();
    this.#sets.set(key, set.add(value));
  }

  delete(key: string, value: string): void {
    const set = this.#sets.get(key);
    set?.delete(value);
    if (set?.size === 0) this.#sets.delete(key);
  }

  /** The first few that are under a key; from now on they are its last, so that all have their turn. */
  next(key: string, count: number): readonly string[] {
    const set = this.#sets.get(key) ?? [];
    const first: string[] = [];
    for (const value of set) {
      if (first.length === count) break;
      first.push(value);
    }
    for (const value of first) {
      this.delete(key, value);
      this.add(key, value);
    }
    return first;
  }

  /** Whether anything is under a key. */
  has(key: string): boolean {
    return this.#sets.has(key);
  }

  /** What is under a key now. */
  values(key: string): readonly string[] {
    return [...(this.#sets.get(key) ?? [])];
  }
}
