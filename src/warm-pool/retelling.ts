import type { Batch } from './arrival-log.ts';
import type { PoolState, WarmPoolPolicy } from './policy/policy.ts';

const NOTHING_SEEN: PoolState = { ready: 0, booting: 0, waiting: 0, running: 0, stopped: 0 };
/** A policy goes through so much time at once: a few milliseconds' work. */
const STRIDE_MS = 60_000;

/** Tells a policy of days that were, a little at a time, and meanwhile of what comes. */
export class Retelling<Policy extends WarmPoolPolicy> {
  readonly policy: Policy;
  readonly #before: Iterator<Batch>;
  readonly #since: Batch[] = [];
  #next: Batch | undefined;
  #toldMs: number | undefined;

  constructor(policy: Policy, before: Iterable<Batch>) {
    this.policy = policy;
    this.#before = before[Symbol.iterator]();
  }

  /** So many pods came at once while it goes on. */
  arrived(atMs: number, pods: number): void {
    this.#since.push({ atMs, pods });
  }

  /** Goes on as long as it may. @returns whether all is told, up to now */
  goOn(nowMs: number, mayGoOn: () => boolean): boolean {
    for (;;) {
      this.#next ??= this.#before.next().value ?? this.#since.shift();
      const batch = this.#next;
      const towardsMs = batch?.atMs ?? nowMs;
      const atMs = Math.min(towardsMs, (this.#toldMs ?? towardsMs) + STRIDE_MS);
      if (batch === undefined && (this.#toldMs ?? nowMs) >= nowMs) return true;
      if (!mayGoOn()) return false;
      this.#toldMs = Math.max(atMs, this.#toldMs ?? atMs);
      if (batch === undefined || atMs < batch.atMs) {
        this.policy.decide(NOTHING_SEEN, atMs);
        continue;
      }
      this.policy.arrived(atMs, batch.pods);
      this.#next = undefined;
    }
  }
}
