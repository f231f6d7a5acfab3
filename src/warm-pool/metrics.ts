import type { Registry } from 'prom-client';
import { counterIn, gaugeIn, histogramIn } from '../telemetry/metrics.ts';
import type { KeptPool } from './kept-pool.ts';
import type { StartKind } from './start-record.ts';

const BUCKETS_SECONDS = [0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 8, 13, 20, 30, 45, 60, 120, 300];
/** Pools beyond are counted as one, by this name; no pool can have it. */
const MOST_POOLS = 200;
const OTHERS = '(others)';

/** Shows the pools of a registry; the returned function counts a pod's start. */
export function observePools(
  registry: Registry,
  pools: () => Iterable<KeptPool>,
): (pool: string, kind: StartKind, ms: number) => void {
  const named = new Set<string>();
  const label = (pool: string) => {
    if (named.has(pool)) return pool;
    if (named.size >= MOST_POOLS) return OTHERS;
    named.add(pool);
    return pool;
  };
  gaugeIn(registry, {
    name: 'nodeless_pool_cells',
    help: 'Cells of warm pools: desired, ready, booting, stopped, claimed.',
    labelNames: ['pool', 'state'],
    collect: (gauge) => {
      for (const { pool, holding, demand } of pools()) {
        gauge.inc({ pool: label(pool.name), state: 'desired' }, demand.level.running);
        gauge.inc({ pool: label(pool.name), state: 'ready' }, holding.ready.size);
        gauge.inc({ pool: label(pool.name), state: 'booting' }, holding.booting.size);
        gauge.inc({ pool: label(pool.name), state: 'stopped' }, holding.stopped.size);
        gauge.inc({ pool: label(pool.name), state: 'claimed' }, holding.claimed.size);
      }
    },
  });
  gaugeIn(registry, {
    name: 'nodeless_pool_price_dollars_per_hour',
    help: 'Price of the cells of warm pools that wait or boot.',
    labelNames: ['pool'],
    collect: (gauge) => {
      for (const { pool, holding } of pools()) gauge.inc({ pool: label(pool.name) }, holding.pricePerHourUsd);
    },
  });
  gaugeIn(registry, {
    name: 'nodeless_pool_degraded',
    help: 'Whether a warm pool can not have the cells that it should: 1, by why.',
    labelNames: ['pool', 'reason'],
    collect: (gauge) => {
      for (const { pool, trouble } of pools())
        if (trouble !== undefined) gauge.set({ pool: label(pool.name), reason: trouble.reason }, 1);
    },
  });
  const inTime = counterIn(registry, {
    name: 'nodeless_pool_starts_in_time_total',
    help: 'Pods of warm pools whose containers started within the target of their pool.',
    labelNames: ['pool'],
  });
  const starts = histogramIn(registry, {
    name: 'nodeless_pool_start_seconds',
    help: 'Time from the creation of a pod of a warm pool to its containers started: warm, on a cell that was booting or stopped, or cold.',
    labelNames: ['pool', 'kind'],
    buckets: BUCKETS_SECONDS,
  });
  return (name, kind, ms) => {
    starts.observe({ pool: label(name), kind }, ms / 1_000);
    const targetMs = [...pools()].find(({ pool }) => pool.name === name)?.pool.spec.startupSla.target;
    if (targetMs !== undefined && ms <= targetMs) inTime.inc({ pool: label(name) });
  };
}
