import type { KubeObject } from '../../kube/objects.ts';
import { columns } from '../columns.ts';

const HEAD = ['CELL', 'POD', 'TYPE', 'LAUNCH', 'ZONE', 'PHASE', 'COST/H', 'AGE'];
const FIELDS = ['pod', 'instanceType', 'launchType', 'zone', 'phase', 'pricePerHourUsd'];

/** `45s`, `12m` or `3h`. */
function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 120) return `${seconds}s`;
  return seconds < 7_200 ? `${Math.floor(seconds / 60)}m` : `${Math.floor(seconds / 3_600)}h`;
}

/** Cell objects as a table. */
export function cellsText(cells: readonly KubeObject[], nowMs: number): string {
  if (cells.length === 0) return 'there are no cells\n';
  const rows = cells.map(({ metadata, status }) => {
    const told = (status ?? {}) as Readonly<Record<string, string>>;
    const bornMs = Date.parse(String(metadata.creationTimestamp ?? ''));
    return [
      metadata.name,
      ...FIELDS.map((field) => told[field] || '-'),
      Number.isNaN(bornMs) ? '-' : age(nowMs - bornMs),
    ];
  });
  return `${columns([HEAD, ...rows]).join('\n')}\n`;
}
