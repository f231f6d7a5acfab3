import fc from 'fast-check';
import type { Workload } from '../../src/warm-pool/simulation/trace.ts';
import { NO_FAULTS, type World } from '../../src/warm-pool/simulation/world.ts';

/** A cloud like those that there are, without faults. */
export const WORLD: World = {
  times: {
    launch: { p50Ms: 5_000, p95Ms: 9_000 },
    boot: { p50Ms: 24_000, p95Ms: 34_000 },
    warm: { p50Ms: 900, p95Ms: 1_800 },
    resume: { p50Ms: 9_000, p95Ms: 14_000 },
    shutdownMs: 4_000,
  },
  faults: NO_FAULTS,
  prices: { runningUsdPerHour: 0.36, stoppedUsdPerHour: 0.036, minimumMs: 60_000 },
  seed: 1,
};

/** Every stage takes always the same time, as given. */
export function constantWorld(ms: { readonly launch: number; readonly boot: number; readonly warm: number }): World {
  const always = (time: number) => ({ p50Ms: time, p95Ms: time });
  const times = { ...WORLD.times, launch: always(ms.launch), boot: always(ms.boot), warm: always(ms.warm) };
  return { ...WORLD, times: { ...times, resume: always(10_000) } };
}

/** Pods that come after such gaps and run for so long. */
export function workloadOf(pods: readonly (readonly [gapMs: number, durationMs: number])[], fromMs = 0): Workload {
  let atMs = fromMs;
  const arrivalMs = Float64Array.from(pods, ([gapMs]) => {
    atMs += gapMs;
    return atMs;
  });
  return { shape: '1/1Gi', arrivalMs, durationMs: Float64Array.from(pods, ([, durationMs]) => durationMs) };
}

/** Small workloads, some of whose pods come at once, all after a first hour. */
export const workloads = fc
  .array(
    fc.tuple(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 60_000 })), fc.integer({ min: 0, max: 200_000 })),
    {
      minLength: 1,
      maxLength: 60,
    },
  )
  .map((pods) => workloadOf(pods, 3_600_000));

/** Clouds of any luck. */
export const worlds = fc
  .record({ seed: fc.nat(), failureRate: fc.double({ min: 0, max: 0.5, noNaN: true }) })
  .map(({ seed, failureRate }): World => ({ ...WORLD, seed, faults: { ...NO_FAULTS, failureRate } }));
