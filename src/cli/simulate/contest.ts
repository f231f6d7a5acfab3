import { NodelessError } from '../../core/errors.ts';
import type { StartupSla } from '../../warm-pool/policy/service-level.ts';
import { luckOf, measureStarts } from '../../warm-pool/simulation/luck.ts';
import { type Hours, hoursOf, type Outcome, outcomeOf } from '../../warm-pool/simulation/outcome.ts';
import { simulate } from '../../warm-pool/simulation/simulate.ts';
import type { Trace } from '../../warm-pool/simulation/trace.ts';
import type { World } from '../../warm-pool/simulation/world.ts';
import { priceOfShape } from './cell-price.ts';
import { contestant } from './contestants.ts';
import { firstHour, type SimulateOptions } from './options.ts';
import { requirementText } from './requirement.ts';

/** How one policy did on the whole trace. */
export interface Standing {
  readonly policy: string;
  readonly outcome: Outcome;
  readonly hours: Hours;
  readonly cells: number;
  /** By shape: the most cells that it wanted at once, and what it said last. */
  readonly pools: readonly { readonly shape: string; readonly most: number; readonly why: string }[];
}

/** The cloud that cells of a shape are launched in. */
function worldOf(options: SimulateOptions, shape: string): World {
  const { launch, boot, warmStart: warm, resume, shutdown, failureRate, launchRate, stoppedPrice, seed } = options;
  return {
    times: { launch, boot, warm, resume, shutdownMs: shutdown },
    faults: { failureRate, outages: [], backoffMs: 5_000, launchesPerSecond: launchRate },
    prices: { runningUsdPerHour: priceOfShape(shape), stoppedUsdPerHour: stoppedPrice, minimumMs: 60_000 },
    seed,
  };
}

/** The least and the most that a pool may hold. @throws NodelessError ConfigInvalid when the budget is below the least */
function limitsOf({ min, max, budget }: SimulateOptions, { prices }: World): { min: number; max: number } {
  if (budget === undefined) return { min, max };
  const affordable = Math.floor(budget / prices.runningUsdPerHour);
  if (affordable >= min) return { min, max: Math.min(max, affordable) };
  const message = `--budget: $${budget} an hour pays for ${affordable} cells at $${prices.runningUsdPerHour}, and --min is ${min}`;
  throw new NodelessError({ code: 'ConfigInvalid', message });
}

/** The SLA that the flags state. */
function slaOf({ startupSla, percentile }: SimulateOptions): StartupSla {
  return { targetMs: startupSla, percentile: percentile / 100 };
}

/** What came out of a contest. */
export interface Contest {
  readonly sla: StartupSla;
  /** By shape: what the SLA asks of its pool, in words. */
  readonly requirements: readonly { readonly shape: string; readonly text: string }[];
  readonly standings: readonly Standing[];
}

/**
 * Runs every policy on the same trace, with the same luck. A pool for each shape.
 * @throws NodelessError ConfigInvalid when no pool can keep the SLA, or a policy is not known
 */
export function contest(trace: Trace, options: SimulateOptions): Contest {
  const sla = slaOf(options);
  const fromHour = firstHour(options, trace.endMs);
  const grounds = trace.workloads.map((workload) => {
    const world = worldOf(options, workload.shape);
    return { workload, world, luck: luckOf(world, workload.arrivalMs.length), starts: measureStarts(world) };
  });
  const requirements = grounds.map(({ workload: { shape }, starts }) => ({
    shape,
    text: requirementText(sla, starts),
  }));
  const makers = options.policy.map((text) => [text, contestant(text)] as const);
  const standings = makers.map(([text, make]) => {
    const told = grounds.map((ground) => {
      const limits = limitsOf(options, ground.world);
      const pool = { ...ground, ...limits, sla, fromMs: fromHour * 3_600_000 };
      const run = simulate(ground.workload, trace.endMs, { ...ground, policy: make(pool) });
      return { workload: ground.workload, run };
    });
    return {
      policy: text,
      outcome: outcomeOf(told, sla, fromHour),
      hours: hoursOf(told, sla),
      cells: told.reduce((sum, { run }) => sum + run.cells, 0),
      pools: told.map(({ workload, run }) => ({ shape: workload.shape, most: run.mostDesired, why: run.lastWord })),
    };
  });
  return { sla, requirements, standings };
}
