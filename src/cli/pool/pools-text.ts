import type { KubeObject } from '../../kube/objects.ts';
import { columns } from '../columns.ts';

const HEAD = ['POOL', 'SLA', 'DESIRED', 'READY', 'BOOTING', 'CLAIMED', 'HITS', 'ACHIEVED', '$/H', 'TROUBLE'];
const FIELDS = ['sla', 'desired', 'ready', 'booting', 'claimed', 'hitRate', 'achieved', 'pricePerHourUsd'];

interface Told {
  readonly [field: string]: unknown;
  readonly conditions?: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason: string;
    readonly message: string;
  }[];
}

function toldOf({ status }: KubeObject): Told {
  return (status ?? {}) as Told;
}

function shown(value: unknown): string {
  return value === undefined || value === '' ? '-' : String(value);
}

/** What is wrong with a pool, shortly. */
function troubleOf({ conditions = [] }: Told): string {
  const wrong = conditions.filter(
    ({ type, status }) => (type === 'Degraded' && status === 'True') || (type === 'SlaMet' && status === 'False'),
  );
  return wrong.map(({ reason }) => reason).join(', ');
}

/** WarmPools as a table. */
export function poolsText(pools: readonly KubeObject[]): string {
  if (pools.length === 0) return 'there are no pools; `nodeless pool set NAME --shape 500m/512Mi` makes one\n';
  const rows = pools.map((pool) => {
    const told = toldOf(pool);
    return [pool.metadata.name, ...FIELDS.map((field) => shown(told[field])), shown(troubleOf(told))];
  });
  return `${columns([HEAD, ...rows]).join('\n')}\n`;
}

/** One WarmPool: how it is, and why in words. */
export function poolText(pool: KubeObject): string {
  const told = toldOf(pool);
  const rows = [
    ['Pool', pool.metadata.name],
    ['SLA', shown(told.sla)],
    [
      'Cells',
      `${shown(told.ready)} wait, ${shown(told.booting)} boot, ${told.stopped ? `${told.stopped} are stopped, ` : ''}${shown(told.claimed)} have pods; desired: ${shown(told.desired)}`,
    ],
    ['Limits', shown(told.limits)],
    ['Cell', `${shown(told.instanceType)} for ${shown(told.size)}`],
    ['Cost', `$${shown(told.pricePerHourUsd)} an hour, $${shown(told.pricePerCellUsd)} for each`],
    ['Hits', shown(told.hitRate)],
    ['Achieved', shown(told.achieved)],
    ['Why', shown(told.why)],
    ...(told.conditions ?? []).map(({ type, status, reason, message }) => [type, `${status}, ${reason}: ${message}`]),
  ];
  return `${columns(rows).join('\n')}\n`;
}
