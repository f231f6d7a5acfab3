import { CELL_READY_CONDITION } from '../core/names.ts';
import type { WirePod } from '../kube/wire-pod.ts';
import { waitsFor } from '../pods/metrics.ts';
import { viewOf } from '../pods/pod-view.ts';
import { type Row, type Section, sectionOf } from './section.ts';

/** Pods without a cell, the oldest first, and why. */
export function waitingSection(pods: Iterable<WirePod>): Section {
  const waiting = [...pods].flatMap((pod) => {
    const reason = waitsFor(pod);
    return reason === undefined ? [] : [{ pod, reason, sinceMs: viewOf(pod).createdAtMs ?? 0 }];
  });
  waiting.sort((a, b) => a.sinceMs - b.sinceMs);
  return sectionOf(
    {
      id: 'waiting',
      title: 'Pods that wait for a cell',
      columns: [{ name: 'Pod' }, { name: 'Since', kind: 'time' }, { name: 'Reason' }, { name: 'Why' }],
      empty: 'No pod waits.',
    },
    waiting.map(({ pod, reason, sinceMs }): Row => {
      const told = pod.status?.conditions?.find(({ type }) => type === CELL_READY_CONDITION);
      const isOnItsWay = told === undefined;
      return {
        values: [viewOf(pod).pod, sinceMs, reason, told?.message ?? 'its cell is on its way'],
        tone: isOnItsWay ? 'waiting' : 'bad',
      };
    }),
  );
}
