import type { LaunchFaults } from './world.ts';

const MOST_DOUBLINGS = 5;

/** How long so many failed attempts hold a launch up, in milliseconds. */
export function backoffsMs(failures: number, backoffMs: number): number {
  let sum = 0;
  for (let failure = 0; failure < failures; failure += 1) sum += backoffMs * 2 ** Math.min(failure, MOST_DOUBLINGS);
  return sum;
}

/** Says when the cloud takes a launch: after failed attempts, outages and the queue at its rate limit. */
export class Launcher {
  readonly #faults: LaunchFaults;
  #freeFromMs = 0;

  constructor(faults: LaunchFaults) {
    this.#faults = faults;
  }

  /** When a launch that is ordered now is taken. Asked in the order of the orders. */
  takenAtMs(nowMs: number, failures: number): number {
    const { backoffMs, launchesPerSecond, outages } = this.#faults;
    const slotMs = Math.max(nowMs, this.#freeFromMs);
    this.#freeFromMs = slotMs + 1_000 / launchesPerSecond;
    let atMs = slotMs + backoffsMs(failures, backoffMs);
    if (outages.length === 0) return atMs;
    for (let failed = failures; outages.some(([from, to]) => atMs >= from && atMs < to); failed += 1)
      atMs += backoffMs * 2 ** Math.min(failed, MOST_DOUBLINGS);
    return atMs;
  }
}
