import type { Latency } from '../../core/seeded-random.ts';

/** How long each stage of a start takes. */
export interface StageTimes {
  /** From the order to the machine running, from when on it is billed. */
  readonly launch: Latency;
  /** From running to ready, pool images pulled. */
  readonly boot: Latency;
  /** From the claim of a ready cell to the containers started. */
  readonly warm: Latency;
  /** From the order to start a stopped cell, when it is billed again, to ready. */
  readonly resume: Latency;
  /** From the pod's end, or the decision to end or stop a cell, to the last billed moment. */
  readonly shutdownMs: number;
}

/** What goes wrong with launches. */
export interface LaunchFaults {
  /** The chance that one attempt finds no capacity. */
  readonly failureRate: number;
  /** When nothing can be launched: from and to, in milliseconds since the start. */
  readonly outages: readonly (readonly [number, number])[];
  /** Until the next attempt; twice as long after each further failure, 32 times as long at most. */
  readonly backoffMs: number;
  /** Launches a second that the cloud takes; they queue for more. */
  readonly launchesPerSecond: number;
}

/** What cells cost. Billing is per second from `running`, with a minimum for each start. */
export interface Prices {
  readonly runningUsdPerHour: number;
  /** Of a stopped cell: its disk. */
  readonly stoppedUsdPerHour: number;
  readonly minimumMs: number;
}

/** Everything about the cloud that a policy can't change. */
export interface World {
  readonly times: StageTimes;
  readonly faults: LaunchFaults;
  readonly prices: Prices;
  readonly seed: number;
}

export const NO_FAULTS: LaunchFaults = {
  failureRate: 0,
  outages: [],
  backoffMs: 5_000,
  launchesPerSecond: Number.POSITIVE_INFINITY,
};
