import { NodelessError } from '../../core/errors.ts';
import { GROUP, VERSION } from '../../core/names.ts';
import { parseWarmPool, type WarmPool } from '../../core/warm-pool.ts';
import type { KubeObject } from '../../kube/objects.ts';

/** What a pool is to be from now on, as flags have it; what is not given stays. */
export interface PoolFlags {
  readonly startupSla?: string;
  readonly percentile?: number;
  readonly min?: number;
  readonly max?: number;
  readonly replicas?: number;
  readonly shape?: string;
  readonly selector?: string;
  readonly cellClass?: string;
  readonly budget?: number;
  readonly schedule?: readonly string[];
}

/** A change that can be applied. */
export interface PoolChange {
  /** The whole object as it will be. */
  readonly object: KubeObject & { readonly spec: object };
  /** What of the spec changes. */
  readonly spec: Readonly<Record<string, unknown>>;
  readonly pool: WarmPool;
  /** Whether what its cells are changes, and with it their price. */
  readonly isOtherCell: boolean;
}

function shapeOf(text: string): object {
  const [cpu, memory, ...more] = text.split('/');
  if (cpu && memory && more.length === 0) return { cpu, memory };
  throw new NodelessError({ code: 'ConfigInvalid', message: `--shape "${text}" is not CPU/MEMORY such as 500m/512Mi` });
}

function selectorOf(text: string): object {
  const pairs = text.split(',').map((pair) => pair.split('='));
  const isPair = (pair: readonly string[]) => pair.length === 2 && pair[0] !== '';
  if (pairs.every(isPair)) return { matchLabels: Object.fromEntries(pairs) };
  const message = `--selector "${text}" is not KEY=VALUE, or several with commas; write others into the object itself`;
  throw new NodelessError({ code: 'ConfigInvalid', message });
}

/** A window as `MINUTE HOUR DAY MONTH WEEKDAY TIMEZONE DURATION min=5 max=30`; `none` for no window. */
function windowsOf(texts: readonly string[]): readonly object[] {
  if (texts.length === 1 && texts[0] === 'none') return [];
  return texts.map((text) => {
    const parts = text.trim().split(/\s+/);
    const [timeZone = '', duration = ''] = parts.slice(5, 7);
    const limits = parts.slice(7).map((part) => /^(min|max)=(\d{1,4})$/.exec(part));
    if (duration !== '' && limits.length > 0 && limits.every((limit) => limit !== null)) {
      const entries = limits.map((limit) => [limit[1], Number(limit[2])]);
      return { cron: parts.slice(0, 5).join(' '), timeZone, duration, ...Object.fromEntries(entries) };
    }
    const message = `--schedule "${text}" is not a cron, time zone, duration and limits, such as "0 8 * * 1-5 Europe/Berlin 10h min=5 max=30"`;
    throw new NodelessError({ code: 'ConfigInvalid', message });
  });
}

function given(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/**
 * What flags make of a pool, or of a new one.
 * @throws NodelessError ConfigInvalid where nobody could keep it, naming the field and the remedy
 */
export function poolChange(name: string, flags: PoolFlags, before: KubeObject | undefined): PoolChange {
  const { startupSla: target, percentile, min, max, replicas, cellClass, budget } = flags;
  const sla = given({ target, percentile });
  const shape = flags.shape === undefined ? undefined : shapeOf(flags.shape);
  const selector = flags.selector === undefined ? undefined : selectorOf(flags.selector);
  const schedule = flags.schedule === undefined ? undefined : windowsOf(flags.schedule);
  const spec = {
    ...given({ min, max, replicas, cellClass, shape, selector, schedule }),
    ...(Object.keys(sla).length === 0 ? {} : { startupSla: sla }),
    ...(budget === undefined ? {} : { budget: { maxPricePerHourUsd: budget } }),
  };
  const old = (before?.spec ?? {}) as { readonly startupSla?: object; readonly budget?: object };
  const startupSla = { ...old.startupSla, ...sla };
  const whole = { ...old, ...spec, ...(Object.keys(startupSla).length === 0 ? {} : { startupSla }) };
  const metadata = { name };
  const pool = parseWarmPool({ metadata, spec: whole });
  const object = { apiVersion: `${GROUP}/${VERSION}`, kind: 'WarmPool', metadata, spec: whole };
  return { object, spec, pool, isOtherCell: shape !== undefined || cellClass !== undefined };
}
