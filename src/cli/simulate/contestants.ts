import { NodelessError } from '../../core/errors.ts';
import { fixedCount } from '../../warm-pool/policy/fixed-count.ts';
import { headroom } from '../../warm-pool/policy/headroom.ts';
import type { MeasuredStarts } from '../../warm-pool/policy/measured-times.ts';
import type { WarmPoolPolicy } from '../../warm-pool/policy/policy.ts';
import { PredictivePolicy } from '../../warm-pool/policy/predictive.ts';
import type { StartupSla } from '../../warm-pool/policy/service-level.ts';
import { targetTracking } from '../../warm-pool/policy/target-tracking.ts';
import { levelFor, neededLevels } from '../../warm-pool/simulation/hindsight.ts';
import type { Luck } from '../../warm-pool/simulation/luck.ts';
import type { Workload } from '../../warm-pool/simulation/trace.ts';
import type { World } from '../../warm-pool/simulation/world.ts';

/** The pool that a policy is wanted for. */
export interface Pool {
  readonly workload: Workload;
  readonly world: World;
  readonly luck: Luck;
  readonly sla: StartupSla;
  readonly starts: MeasuredStarts;
  readonly min: number;
  readonly max: number;
  /** When the warm-up is over. */
  readonly fromMs: number;
}

type Make = (pool: Pool, argument: string | undefined) => WarmPoolPolicy;

function invalid(message: string): NodelessError {
  return new NodelessError({ code: 'ConfigInvalid', message: `--policy: ${message}` });
}

function countOf(name: string, argument: string | undefined): number {
  const count = Number(argument ?? Number.NaN);
  if (Number.isInteger(count) && count >= 0) return count;
  throw invalid(`${name} needs a count, as in ${name}=5`);
}

/** The smallest count that would have kept the SLA, known only afterwards. */
function bestCount({ workload, world, luck, sla, fromMs }: Pool): number {
  const needed = neededLevels(workload, { world, luck, targetMs: sla.targetMs });
  const counted = needed.filter((_, pod) => (workload.arrivalMs[pod] as number) >= fromMs);
  const level = levelFor(counted, sla.percentile);
  if (level !== undefined) return level;
  throw invalid('no count keeps this SLA: a claimed cell starts its pod too late too often');
}

function percentOf(name: string, argument: string | undefined, most: number): number {
  const percent = Number(argument ?? Number.NaN);
  if (percent > 0 && percent <= most) return percent;
  throw invalid(`${name} needs a percentage up to ${most}, as in ${name}=50`);
}

const MAKERS: Readonly<Record<string, Make>> = {
  predictive: ({ sla, starts, min, max }) => new PredictivePolicy({ sla, starts, min, max, hasStopped: false }),
  'predictive-tiers': ({ sla, starts, min, max }) => new PredictivePolicy({ sla, starts, min, max, hasStopped: true }),
  none: () => fixedCount(0),
  fixed: (_, argument) => fixedCount(countOf('fixed', argument)),
  'fixed-stopped': (_, argument) => fixedCount(countOf('fixed-stopped', argument), 'stopped'),
  'best-fixed': (pool) => fixedCount(Math.min(pool.max, Math.max(pool.min, bestCount(pool)))),
  headroom: (_, argument) => headroom(percentOf('headroom', argument, 1_000)),
  'target-tracking': (_, argument) => targetTracking(percentOf('target-tracking', argument, 100)),
};

/** What `--policy` takes, for help. */
export const POLICY_NAMES = Object.keys(MAKERS);

/** How to make the policy of that name, such as `fixed=5`, for a pool. @throws NodelessError ConfigInvalid */
export function contestant(text: string): (pool: Pool) => WarmPoolPolicy {
  const [name = '', argument] = text.split('=');
  const make = MAKERS[name];
  if (make === undefined) throw invalid(`there is no policy "${name}"; there are ${POLICY_NAMES.join(', ')}`);
  return (pool) => make(pool, argument);
}
