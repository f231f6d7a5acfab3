import type { KubeObject } from '../../kube/objects.ts';
import { columns } from '../columns.ts';

const HEAD = ['CELL', 'POD', 'TYPE', 'LAUNCH', 'ZONE', 'PHASE', 'COST/H', 'AGE'];
const FIELDS = ['pod', 'instanceType', 'launchType', 'zone', 'phase'];

/** `45s`, `12m` or `3h`. */
function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 120) return `${seconds}s`;
  return seconds < 7_200 ? `${Math.floor(seconds / 60)}m` : `${Math.floor(seconds / 3_600)}h`;
}

const WIDE_HEAD = ['ADDRESS', 'CLASS', 'POOL', 'SIZE', 'REASON'];
const WIDE_FIELDS = ['addresses', 'cellClass', 'pool', 'size', 'reason'];

type Told = Readonly<Record<string, string | readonly string[]>>;

function toldOf({ status }: KubeObject): Told {
  return (status ?? {}) as Told;
}

function shown(value: string | readonly string[] | undefined): string {
  return [value ?? []].flat().join(', ') || '-';
}

/** The price of an hour, and that it is an estimate where it is one. */
function priceOf(told: Told): string {
  const { isPriceEstimated } = told as { readonly isPriceEstimated?: unknown };
  return `${shown(told.pricePerHourUsd)}${isPriceEstimated === true ? ' estimated' : ''}`;
}

/** Cell objects as a table; a wide one has all that people ask of them. */
export function cellsText(cells: readonly KubeObject[], nowMs: number, isWide = false): string {
  if (cells.length === 0) return 'there are no cells\n';
  const rows = cells.map((cell) => {
    const told = toldOf(cell);
    const bornMs = Date.parse(String(cell.metadata.creationTimestamp ?? ''));
    return [
      cell.metadata.name,
      ...FIELDS.map((field) => shown(told[field])),
      priceOf(told),
      Number.isNaN(bornMs) ? '-' : age(nowMs - bornMs),
      ...(isWide ? WIDE_FIELDS.map((field) => shown(told[field])) : []),
    ];
  });
  return `${columns([[...HEAD, ...(isWide ? WIDE_HEAD : [])], ...rows]).join('\n')}\n`;
}

/** When each phase was entered, the first by the clock and each other by how long after the one before. */
function phaseRows(phases: Readonly<Record<string, string>>): readonly (readonly string[])[] {
  const entered = Object.entries(phases)
    .map(([phase, at]) => ({ phase, at, ms: Date.parse(at) }))
    .filter(({ ms }) => !Number.isNaN(ms))
    .sort((a, b) => a.ms - b.ms);
  return entered.map(({ phase, at, ms }, index) => {
    const before = entered[index - 1];
    return [`  ${phase}`, before === undefined ? at : `+${((ms - before.ms) / 1_000).toFixed(1)} s`];
  });
}

/** One Cell object: what it is, what it costs, and its start by phase. */
export function cellText(cell: KubeObject, nowMs: number): string {
  const told = toldOf(cell);
  const pods = told.pods?.length === 0 ? told.pod : (told.pods ?? told.pod);
  const bornMs = Date.parse(String(cell.metadata.creationTimestamp ?? ''));
  const rows = [
    ['Cell', cell.metadata.name],
    ['Phase', shown(told.phase)],
    ['Pods', shown(pods)],
    ['Machine', `${shown(told.instanceType)} (${shown(told.launchType)}) in ${shown(told.zone)}`],
    ['Addresses', shown(told.addresses)],
    ['For pods', shown(told.size)],
    ['Class', shown(told.cellClass)],
    ['Pool', shown(told.pool)],
    ['Cost', `$${priceOf(told)} an hour`],
    ['Age', Number.isNaN(bornMs) ? '-' : age(nowMs - bornMs)],
    ...(told.reason === undefined ? [] : [['Reason', shown(told.reason)]]),
    ['Phases', ''],
    ...phaseRows((told.phases ?? {}) as unknown as Readonly<Record<string, string>>),
  ];
  return `${columns(rows).join('\n')}\n`;
}
