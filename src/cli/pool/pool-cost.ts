import type { Offering } from '../../core/offerings.ts';
import { byPrice, countedOf } from '../../core/offerings.ts';
import { describeWindow } from '../../core/pool-schedule.ts';
import { covers } from '../../core/resources.ts';
import type { WarmPool } from '../../core/warm-pool.ts';

const HOURS_PER_MONTH = 730;

/** What one cell of a pool is, and costs an hour. */
export interface CellCost {
  readonly instanceType: string;
  readonly pricePerHourUsd: number;
}

/** The cheapest that is offered for a pool; undefined where nothing is, or its size is to be seen by its first pod. */
export function cheapestFor({ spec }: WarmPool, offerings: readonly Offering[]): CellCost | undefined {
  const { shape, launchTypes, zone } = spec;
  if (shape === undefined) return undefined;
  return offerings
    .filter((one) => launchTypes?.includes(one.launchType) ?? one.launchType !== 'fargate')
    .filter((one) => one.available && (zone === undefined || one.zone === zone) && covers(countedOf(one), shape))
    .toSorted(byPrice)[0];
}

function dollars(usd: number): string {
  return `$${usd.toFixed(usd < 1 ? 4 : 2)}`;
}

function each(usd: number): string {
  return `${dollars(usd)}/h (${dollars(usd * HOURS_PER_MONTH)} a month)`;
}

/** What a pool will cost, before it is applied: its least, its most, and between them what demand makes of it. */
export function costText({ name, spec }: WarmPool, cell: CellCost | undefined): string {
  const { min, max, replicas, budget, startupSla, schedule = [] } = spec;
  const sla = `p${startupSla.percentile} within ${startupSla.target / 1_000} s`;
  const head = `pool ${name}: ${sla}, ${replicas > 0 ? `${replicas} cells` : `${min} to ${max} cells, as demand asks`}`;
  if (cell === undefined) return `${head}\nwhat a cell costs is not known: nothing offered was found for it\n`;
  const { instanceType, pricePerHourUsd } = cell;
  const affordable = (budget.maxPricePerHourUsd ?? Number.POSITIVE_INFINITY) / pricePerHourUsd;
  const most = Math.min(max, Math.floor(affordable + 1e-9));
  const held = replicas > 0 ? Math.min(most, Math.max(min, replicas)) : undefined;
  const [from, to] = held === undefined ? [Math.min(min, most), most] : [held, held];
  const lines = [
    head,
    `a cell is ${instanceType} at ${dollars(pricePerHourUsd)} an hour`,
    `at least ${each(from * pricePerHourUsd)}, for ${from} cells`,
    `at most  ${each(to * pricePerHourUsd)}, for ${to} cells${most < max ? ', as the budget allows' : ''}`,
  ];
  for (const one of schedule) {
    const limits = { min: one.min ?? min, max: one.max ?? max };
    const [low, high] = [limits.min, limits.max].map((cells) => dollars(Math.min(cells, affordable) * pricePerHourUsd));
    const open = `while ${describeWindow(one)} is open for ${one.duration / 60_000} min`;
    lines.push(`${open}: ${limits.min} to ${limits.max} cells, ${low}/h to ${high}/h`);
  }
  if (most < min)
    lines.push(`the budget pays for ${most} cells, and min is ${min}: the pool will be degraded; raise the budget`);
  return `${lines.join('\n')}\n`;
}
