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

  /** What is under a key now. */
  values(key: string): readonly string[] {
    return [...(this.#sets.get(key) ?? [])];
  }
}
