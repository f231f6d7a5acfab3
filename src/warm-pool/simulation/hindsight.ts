import { Launcher } from './launcher.ts';
import type { Luck } from './luck.ts';
import type { Workload } from './trace.ts';
import type { World } from './world.ts';

/** The level of a pod that no level starts in time. */
export const NO_LEVEL = 2 ** 31 - 1;

/**
 * The smallest constant level at which each pod starts in time. At any constant level every arrival orders one cell, so when
 * cells get ready does not depend on the level, and pod k (from 1) has one at t exactly when the level and the cells ready by
 * t are k or more together.
 */
export function neededLevels(
  { arrivalMs }: Workload,
  { world, luck, targetMs }: { readonly world: World; readonly luck: Luck; readonly targetMs: number },
): Int32Array {
  const launcher = new Launcher(world.faults);
  const readyMs = Float64Array.from(arrivalMs, (atMs, pod) => {
    const { launchMs, bootMs, failures } = luck.ofPod(pod);
    return launcher.takenAtMs(atMs, failures) + launchMs + bootMs;
  }).sort();
  const readyBy = (ms: number) => {
    let low = 0;
    let high = readyMs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((readyMs[middle] as number) <= ms) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return Int32Array.from(arrivalMs, (atMs, pod) => {
    const slackMs = targetMs - (luck.warmMs[pod] as number);
    return slackMs < 0 ? NO_LEVEL : Math.max(0, pod + 1 - readyBy(atMs + slackMs));
  });
}

/** The smallest level that is enough for this share of the pods; undefined when none is. */
export function levelFor(needed: Int32Array, share: number): number | undefined {
  const sorted = needed.toSorted();
  const level = sorted[Math.max(0, Math.ceil(share * sorted.length - 1e-9) - 1)] ?? 0;
  return level === NO_LEVEL ? undefined : level;
}
