import { type PodEvent, timeOf } from './evidence.ts';

/** In what order things happen to a pod whose events tell the same second: the stamps of most tell no more. */
const RANKS: Readonly<Record<string, number>> = { Scheduled: 0, CellRequested: 2, CellLaunched: 4, CellReady: 5 };

function rankOf({ reason = '', source, reportingComponent }: PodEvent): number {
  const rank = RANKS[reason];
  if (rank !== undefined) return rank;
  if ((source?.component || reportingComponent) === 'kubelet') return 6;
  return reason.startsWith('Cell') ? 3 : 1;
}

/** Events in the order in which they came. Some tell whole seconds, others microseconds: within a second, what comes of what decides. */
export function inOrder(events: readonly PodEvent[]): readonly PodEvent[] {
  const at = (event: PodEvent) => Date.parse(timeOf(event)) || 0;
  const second = (event: PodEvent) => Math.floor(at(event) / 1_000);
  return events.toSorted((a, b) => second(a) - second(b) || rankOf(a) - rankOf(b) || at(a) - at(b));
}
