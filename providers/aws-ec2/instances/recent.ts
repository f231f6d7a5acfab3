import type { Clock } from '../../../src/core/clock.ts';

/** What was noted of machines, each until its time is over. */
export class Recent<T> {
  readonly #noted = new Map<string, { readonly value: T; readonly atMs: number }>();
  readonly #lifeMs: number;
  readonly #clock: Clock;

  constructor(lifeMs: number, clock: Clock) {
    this.#lifeMs = lifeMs;
    this.#clock = clock;
  }

  note(instanceId: string, value: T): void {
    const nowMs = this.#clock.now();
    // In the order of their being noted, so the first that counts still ends the search.
    for (const [id, { atMs }] of this.#noted) {
      if (nowMs - atMs < this.#lifeMs) break;
      this.#noted.delete(id);
    }
    this.#noted.delete(instanceId);
    this.#noted.set(instanceId, { value, atMs: nowMs });
  }

  /** What was noted of the machine, at most `withinMs` ago where that is given. */
  get(instanceId: string, withinMs = this.#lifeMs): T | undefined {
    const noted = this.#noted.get(instanceId);
    return noted !== undefined && this.#clock.now() - noted.atMs < withinMs ? noted.value : undefined;
  }

  forget(instanceId: string): void {
    this.#noted.delete(instanceId);
  }

  ids(): readonly string[] {
    return [...this.#noted.keys()];
  }
}
