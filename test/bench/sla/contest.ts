import { fixedCount } from '../../../src/warm-pool/policy/fixed-count.ts';
import { headroom } from '../../../src/warm-pool/policy/headroom.ts';
import { PRICES } from '../../../src/warm-pool/policy/levels.ts';
import type { WarmPoolPolicy } from '../../../src/warm-pool/policy/policy.ts';
import { PredictivePolicy } from '../../../src/warm-pool/policy/predictive.ts';
import type { StartupSla } from '../../../src/warm-pool/policy/service-level.ts';
import { targetTracking } from '../../../src/warm-pool/policy/target-tracking.ts';
import type { ArrivalProcess } from '../../../src/warm-pool/simulation/arrival-process.ts';
import { levelFor, neededLevels } from '../../../src/warm-pool/simulation/hindsight.ts';
import { luckOf, measureStarts } from '../../../src/warm-pool/simulation/luck.ts';
import { simulate } from '../../../src/warm-pool/simulation/simulate.ts';
import type { Workload } from '../../../src/warm-pool/simulation/trace.ts';
import type { World } from '../../../src/warm-pool/simulation/world.ts';
import { KnownProcess } from './known-process.ts';
import { type Score, scoreOf } from './scoring.ts';

export const SLA: StartupSla = { targetMs: 5_000, percentile: 0.95 };

const HEADROOMS = [5, 10, 20, 35, 50, 75, 100, 150, 250, 400, 800];
const TARGETS = [95, 90, 80, 70, 60, 50, 40, 30, 20, 10];

/** All policies on one trace, with the same luck. */
export interface Contest {
  readonly scores: readonly Score[];
  /** What fixed counts cost at the very attainment of the predictive policy, in turns of two counts. */
  readonly fixedAtSameShareUsd: number;
  /** The same of the policy that knows the process, in turns of two prices. */
  readonly knownAtSameShareUsd?: number;
  /** The same of one that also knows how a random rate will change. */
  readonly foreseeingAtSameShareUsd?: number;
  readonly clairvoyantUsd: number;
}

export interface Ground {
  readonly workload: Workload;
  readonly endMs: number;
  readonly world: World;
  readonly fromHour: number;
  /** Absent where nobody knows it. */
  readonly process?: ArrivalProcess;
}

/** The cheapest of tuned settings that keeps the SLA on the scored trace itself; the one with the most in time when none does. */
function bestOf(scores: readonly Score[]): Score {
  const [first, ...rest] = scores;
  if (first === undefined) throw new Error('nothing was tried');
  const keeps = ({ attainment }: Score) => attainment >= SLA.percentile;
  return rest.reduce((best, score) => {
    if (keeps(best) !== keeps(score)) return keeps(score) ? score : best;
    if (keeps(best)) return score.overheadUsd < best.overheadUsd ? score : best;
    return score.attainment > best.attainment ? score : best;
  }, first);
}

/** Nothing waits, and no pod does: each cell is ordered so as to be ready when its pod comes. */
function clairvoyantUsd(none: Score): number {
  // A cell that is launched with its pod is billed for the same: boot, start, shutdown and the minimum.
  return none.overheadUsd;
}

/** Runs all policies on a trace. */
export function contest({ workload, endMs, world, fromHour, process }: Ground): Contest {
  const luck = luckOf(world, workload.arrivalMs.length);
  const starts = measureStarts(world);
  const score = (name: string, policy: WarmPoolPolicy) =>
    scoreOf(name, { workload, run: simulate(workload, endMs, { world, luck, policy }) }, SLA, fromHour);
  const fromMs = fromHour * 3_600_000;
  const needed = neededLevels(workload, { world, luck, targetMs: SLA.targetMs }).filter(
    (_, pod) => (workload.arrivalMs[pod] as number) >= fromMs,
  );
  const fixed = (share: number) => {
    const level = levelFor(needed, share) ?? 0;
    return { level, score: score(`fixed ${level}`, fixedCount(level)) };
  };
  const ours = score('predictive', new PredictivePolicy({ sla: SLA, starts, min: 0, max: 2_000, hasStopped: false }));
  const best = fixed(SLA.percentile).score;
  const same = fixed(ours.attainment);
  const below = score('fixed', fixedCount(Math.max(0, same.level - 1)));
  const none = score('none', fixedCount(0));
  const knows = (what: ArrivalProcess) => knownOf(new KnownProcess(what, SLA, starts), score);
  const known = process && knows(process);
  const atSameShare = (at: (price: number) => Score) => inTurnsUsd(ours.attainment, pricesAround(ours.attainment, at));
  return {
    scores: [
      ours,
      best,
      bestOf(HEADROOMS.map((percent) => score(`headroom ${percent} %`, headroom(percent)))),
      bestOf(TARGETS.map((percent) => score(`target tracking ${percent} %`, targetTracking(percent)))),
      ...(known === undefined ? [] : [pricesAround(SLA.percentile, known)[1]]),
      none,
    ],
    fixedAtSameShareUsd: inTurnsUsd(ours.attainment, [below, same.score]),
    ...(known && { knownAtSameShareUsd: atSameShare(known) }),
    ...(process?.isRateRandom && { foreseeingAtSameShareUsd: atSameShare(knows({ ...process, isRateRandom: false })) }),
    clairvoyantUsd: clairvoyantUsd(none),
  };
}

/** What the policy does that knows the process, by the number of its price; each is run once. */
function knownOf(
  known: KnownProcess,
  score: (name: string, policy: WarmPoolPolicy) => Score,
): (price: number) => Score {
  const tried = new Map<number, Score>();
  return (price) => {
    const found = tried.get(price) ?? score('known process', known.at(price));
    tried.set(price, found);
    return found;
  };
}

/** What two settings in turns cost that have a share in time between theirs. */
function inTurnsUsd(share: number, [less, more]: readonly [Score, Score]): number {
  const weight = (share - less.attainment) / (more.attainment - less.attainment || 1);
  return less.overheadUsd + weight * (more.overheadUsd - less.overheadUsd);
}

/** The prices next to a share in time on the scored trace: what the policy knows includes that. */
function pricesAround(share: number, at: (price: number) => Score): readonly [Score, Score] {
  let low = 0;
  let high = PRICES.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (at(middle).attainment >= share) low = middle;
    else high = middle;
  }
  return [at(high), at(low)];
}
