import type { LaunchType } from '../core/offerings.ts';
import { type MeasuredStarts, MeasuredTimes } from './policy/measured-times.ts';

/** How a pod came to its cell: a cell that waited, one that was booting already, one that was stopped, or a new one. */
export type StartKind = 'warm' | 'booting' | 'resumed' | 'cold';

interface Start {
  readonly kind: StartKind;
  readonly ms: number;
}

/** How long the last orders, cold starts, warm starts, and starts of stopped machines and of their pods took. */
export interface StartSamples {
  readonly leadMs: readonly number[];
  readonly coldMs: readonly number[];
  readonly warmMs: readonly number[];
  readonly resumeMs: readonly number[];
  readonly resumedMs: readonly number[];
}

/** So many of the last are what is told. */
const TOLD = 200;
const KEPT = 200;
/** Before that many, what is assumed counts. */
const ENOUGH = 3;
/** A pool that holds nothing, since warm starts were too slow, tries again after this long. */
const WARM_KEPT_MS = 3_600_000;

/** From an order to a kubelet that is Ready, until it is measured: quantiles by how a machine is had (docs/warm-pools.md). */
const ASSUMED_LEAD_MS: Readonly<Record<LaunchType, readonly number[]>> = {
  'ec2-on-demand': [23_000, 27_000, 29_000, 32_000, 40_000],
  'ec2-spot': [23_000, 27_000, 29_000, 32_000, 40_000],
  fargate: [30_000, 35_000, 40_000, 50_000, 70_000],
  local: [1_500, 2_000, 2_500, 3_000, 4_000],
  simulated: [23_000, 27_000, 29_000, 32_000, 40_000],
};
/** From the start of a stopped machine to a kubelet that is Ready, until it is measured. */
const ASSUMED_RESUME_MS: Readonly<Record<LaunchType, readonly number[]>> = {
  'ec2-on-demand': [9_000, 11_000, 14_000, 20_000, 40_000],
  'ec2-spot': [9_000, 11_000, 14_000, 20_000, 40_000],
  fargate: ASSUMED_LEAD_MS.fargate,
  local: [1_200, 1_500, 2_000, 2_500, 3_000],
  simulated: [9_000, 10_000, 11_000, 12_000, 14_000],
};
const ASSUMED_WARM_MS = 900;

function keep<T>(list: T[], one: T): void {
  list.push(one);
  if (list.length > KEPT) list.shift();
}

/** What a pool has measured: starts of its pods, and how long cells take that it orders. */
export class StartRecord {
  readonly #starts: Start[] = [];
  readonly #leadMs: number[];
  readonly #coldMs: number[];
  readonly #warm: { readonly atMs: number; readonly ms: number }[];

  readonly #resumeMs: number[];
  readonly #resumedMs: number[];

  /** @param samples what was measured before */
  constructor(samples: Partial<StartSamples> = {}, nowMs = 0) {
    const { leadMs = [], coldMs = [], warmMs = [], resumeMs = [], resumedMs = [] } = samples;
    this.#resumeMs = [...resumeMs];
    this.#resumedMs = [...resumedMs];
    this.#leadMs = [...leadMs];
    this.#coldMs = [...coldMs];
    this.#warm = warmMs.map((ms) => ({ atMs: nowMs, ms }));
  }

  /** What was measured. */
  get samples(): StartSamples {
    const warmMs = this.#warm.map(({ ms }) => ms);
    return { leadMs: this.#leadMs, coldMs: this.#coldMs, warmMs, resumeMs: this.#resumeMs, resumedMs: this.#resumedMs };
  }

  /** A stopped machine that was started had a kubelet that is Ready. */
  resumed(ms: number): void {
    keep(this.#resumeMs, ms);
  }

  /** A cell that was ordered got ready. */
  ordered(ms: number): void {
    keep(this.#leadMs, ms);
  }

  /** A pod is gone that had not started after so long: it missed a target that is shorter, and says nothing of a longer one. */
  gone(kind: StartKind, ms: number): void {
    keep(this.#starts, { kind, ms });
  }

  /** A pod's containers started so long after its creation. */
  started(kind: StartKind, ms: number, nowMs: number): void {
    keep(this.#starts, { kind, ms });
    if (kind === 'cold') keep(this.#coldMs, ms);
    if (kind === 'warm') keep(this.#warm, { atMs: nowMs, ms });
    if (kind === 'resumed') keep(this.#resumedMs, ms);
  }

  /**
   * The times that a policy reckons with. Until one is measured, a warm start is taken to keep the target; and again after an
   * hour, where warm starts are too slow: such a pool gives none that could tell that they are not any more.
   */
  measured(
    launchType: LaunchType,
    target: { readonly ms: number; readonly isUnreachable: boolean },
    nowMs: number,
  ): MeasuredStarts {
    while (target.isUnreachable && nowMs - (this.#warm[0]?.atMs ?? nowMs) > WARM_KEPT_MS) this.#warm.shift();
    const warmMs = this.#warm.map(({ ms }) => ms);
    const assumedWarm = [Math.min(ASSUMED_WARM_MS, target.ms)];
    const warm = new MeasuredTimes(warmMs.length < ENOUGH ? assumedWarm : warmMs);
    const assumedLead = ASSUMED_LEAD_MS[launchType];
    const lead = new MeasuredTimes(this.#leadMs.length < ENOUGH ? assumedLead : this.#leadMs);
    const assumedCold = assumedLead.map((ms) => ms + warm.quantileMs(0.5));
    const cold = new MeasuredTimes(this.#coldMs.length < ENOUGH ? assumedCold : this.#coldMs);
    const assumedResumed = ASSUMED_RESUME_MS[launchType].map((ms) => ms + warm.quantileMs(0.5));
    const resumed = new MeasuredTimes(this.#resumedMs.length < ENOUGH ? assumedResumed : this.#resumedMs);
    return { warm, cold, lead, resumed, stoppedLead: lead };
  }

  /** From the start of a stopped machine to a kubelet that is Ready, as a policy reckons with it. */
  resumeLead(launchType: LaunchType): MeasuredTimes {
    return new MeasuredTimes(this.#resumeMs.length < ENOUGH ? ASSUMED_RESUME_MS[launchType] : this.#resumeMs);
  }

  /** How many of the last starts are told of. */
  get told(): number {
    return Math.min(TOLD, this.#starts.length);
  }

  /** The share of the last pods that found a cell that waited. */
  get hitRate(): number | undefined {
    return this.#share(({ kind }) => kind === 'warm');
  }

  /** The share of the last pods that started in time. */
  shareWithin(targetMs: number): number | undefined {
    return this.#share(({ ms }) => ms <= targetMs);
  }

  /** How soon the last pods started at a percentile, given as a share. */
  achievedMs(percentile: number): number | undefined {
    const last = this.#starts.slice(-TOLD).map(({ ms }) => ms);
    return last.length === 0 ? undefined : new MeasuredTimes(last).quantileMs(percentile);
  }

  #share(holds: (start: Start) => boolean): number | undefined {
    const last = this.#starts.slice(-TOLD);
    return last.length === 0 ? undefined : last.filter(holds).length / last.length;
  }
}
