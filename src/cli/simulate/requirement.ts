import { NodelessError } from '../../core/errors.ts';
import type { MeasuredStarts } from '../../warm-pool/policy/measured-times.ts';
import { requiredHitRate, type StartupSla } from '../../warm-pool/policy/service-level.ts';

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

/**
 * What the SLA asks of a pool, in words.
 * @throws NodelessError ConfigInvalid when no pool can keep it
 */
export function requirementText(sla: StartupSla, { warm, cold }: MeasuredStarts): string {
  const needed = requiredHitRate(sla, warm, cold);
  const name = `p${+(sla.percentile * 100).toFixed(3)}`;
  const target = seconds(sla.targetMs);
  const coldStart = seconds(cold.quantileMs(sla.percentile));
  if (needed.kind === 'none') return `no pool is needed: ${name} of a cold start is ${coldStart}, within ${target}`;
  if (needed.kind === 'rate')
    return `${(needed.rate * 100).toFixed(1)} % of pods must find a cell: ${name} of a cold start is ${coldStart} > ${target}`;
  const warmStart = seconds(warm.quantileMs(sla.percentile));
  const message = `no pool can keep this SLA: ${name} of a start on a ready cell is ${warmStart} > ${target}; allow at least that`;
  throw new NodelessError({ code: 'ConfigInvalid', message });
}
