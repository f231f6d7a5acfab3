import { drawLatency, seededRandom } from '../../core/seeded-random.ts';
import { type MeasuredStarts, MeasuredTimes } from '../policy/measured-times.ts';
import { backoffsMs } from './launcher.ts';
import type { World } from './world.ts';

/** What befalls one order of a cell. */
export interface LaunchDraw {
  readonly launchMs: number;
  readonly bootMs: number;
  readonly resumeMs: number;
  /** Attempts that find no capacity before one that does, outages apart. */
  readonly failures: number;
}

/**
 * The luck of a run. That of the launch which replaces pod k's cell belongs to k, and what grows a pool has a stream of its
 * own, so that all policies meet the same luck (common random numbers).
 */
export interface Luck {
  /** From claim to containers started, by pod. */
  readonly warmMs: Float64Array;
  ofPod(pod: number): LaunchDraw;
  /** A new stream, the same each time, for launches that no pod's arrival caused. */
  growth(): () => LaunchDraw;
}

const MOST_FAILURES = 20;

/** Seeds of streams that have nothing to do with each other. */
const STREAMS = { pods: 0, warm: 0x5f3759df, growth: 0x2545f491, measured: 0x1b873593 };

function launchDraws({ times, faults }: World, random: () => number): () => LaunchDraw {
  return () => {
    let failures = 0;
    while (failures < MOST_FAILURES && random() < faults.failureRate) failures += 1;
    return {
      launchMs: drawLatency(times.launch, random),
      bootMs: drawLatency(times.boot, random),
      resumeMs: drawLatency(times.resume, random),
      failures,
    };
  };
}

/** The luck of so many pods in a world; the same for the same seed. */
export function luckOf(world: World, pods: number): Luck {
  const { seed, times } = world;
  const draw = launchDraws(world, seededRandom(seed + STREAMS.pods));
  const warm = seededRandom(seed + STREAMS.warm);
  const warmMs = Float64Array.from({ length: pods }, () => drawLatency(times.warm, warm));
  const ofPods = Array.from({ length: pods }, draw);
  return {
    warmMs,
    ofPod: (pod) => ofPods[pod] as LaunchDraw,
    growth: () => launchDraws(world, seededRandom(seed + STREAMS.growth)),
  };
}

const MEASURED = 2_000;

/** What a pool would measure of this world by and by, from draws of its own that no run uses. */
export function measureStarts(world: World): MeasuredStarts {
  const { seed, times, faults } = world;
  const random = seededRandom(seed + STREAMS.measured);
  const draw = launchDraws(world, random);
  const samples = Array.from({ length: MEASURED }, () => {
    const { launchMs, bootMs, resumeMs, failures } = draw();
    const leadMs = backoffsMs(failures, faults.backoffMs) + launchMs + bootMs;
    return { leadMs, resumeMs, warmMs: drawLatency(times.warm, random) };
  });
  const of = (ms: (sample: (typeof samples)[number]) => number) => new MeasuredTimes(samples.map(ms));
  return {
    warm: of(({ warmMs }) => warmMs),
    resumed: of(({ resumeMs, warmMs }) => resumeMs + warmMs),
    cold: of(({ leadMs, warmMs }) => leadMs + warmMs),
    lead: of(({ leadMs }) => leadMs),
    stoppedLead: of(({ leadMs }) => leadMs + times.shutdownMs),
  };
}
