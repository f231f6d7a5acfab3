import type { KubeObject } from '../kube/objects.ts';
import { type Row, type Section, sectionOf } from './section.ts';

interface PoolCondition {
  readonly type: string;
  readonly status: string;
  readonly message?: string;
}

/** A text of a pool's status; a dash until it is written. */
function told(status: Readonly<Record<string, unknown>>, field: string): string {
  const value = status[field];
  return typeof value === 'string' || typeof value === 'number' ? String(value) || '–' : '–';
}

function rowOf({ metadata, status: written }: KubeObject): Row {
  const status = (written ?? {}) as Readonly<Record<string, unknown>>;
  const conditions = Array.isArray(status.conditions) ? (status.conditions as readonly PoolCondition[]) : [];
  const degraded = conditions.find(({ type, status: is }) => type === 'Degraded' && is === 'True');
  const met = conditions.find(({ type }) => type === 'SlaMet')?.status;
  const of = (field: string) => told(status, field);
  const tone = degraded !== undefined || met === 'False' ? 'bad' : met === 'True' ? 'good' : undefined;
  return {
    values: [
      metadata.name,
      of('sla'),
      of('achieved'),
      of('hitRate'),
      `${of('ready')} of ${of('desired')}`,
      of('pricePerHourUsd'),
      degraded?.message ?? of('why'),
    ],
    ...(tone === undefined ? {} : { tone }),
  };
}

/** The warm pools: what they are to keep, what came of it, and what it costs, as their statuses have it. */
export function poolsSection(pools: Iterable<KubeObject>): Section {
  const sorted = [...pools].sort((a, b) => a.metadata.name.localeCompare(b.metadata.name));
  return sectionOf(
    {
      id: 'pools',
      title: 'Warm pools',
      columns: [
        { name: 'Pool' },
        { name: 'SLA' },
        { name: 'Achieved' },
        { name: 'Hits' },
        { name: 'Ready', kind: 'number' },
        { name: '$ an hour', kind: 'number' },
        { name: 'Why' },
      ],
      empty: 'There is no WarmPool: pods start cold.',
    },
    sorted.map(rowOf),
  );
}
