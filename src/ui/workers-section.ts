import { CELL_READY_CONDITION } from '../core/names.ts';
import { podName, type WirePod } from '../kube/wire-pod.ts';
import { daemonSetOwnerOf } from '../placement/place.ts';
import { viewOf } from '../pods/pod-view.ts';
import { type Row, type Section, sectionOf } from './section.ts';

function conditionOf(pod: WirePod) {
  return pod.status?.conditions?.find(({ type }) => type === CELL_READY_CONDITION);
}

/** What became of a pod that a node of its own would run: a DaemonSet's, or one that is on the node cell. */
function rowOf(pod: WirePod, isOnNodeCell: boolean): Row | undefined {
  const owner = daemonSetOwnerOf(pod);
  if (owner === undefined && !isOnNodeCell) return undefined;
  const { absorbed, injected } = viewOf(pod);
  const name = owner === undefined ? podName(pod) : `${pod.metadata.namespace}/${owner.name}`;
  const { message = '', status } = conditionOf(pod) ?? {};
  if (absorbed) return { values: [name, 'absorbed', 'reported Ready, runs nowhere'] };
  if (injected) return { values: [name, 'agent', message || 'in every cell'] };
  if (isOnNodeCell) return { values: [name, 'node cell', pod.status?.phase ?? ''] };
  return { values: [name, 'waits', message], tone: status === 'False' ? 'bad' : 'waiting' };
}

/** The third column: what runs on the virtual node itself as it would on a worker node, and how. */
export function workersSection(pods: Iterable<WirePod>, isOnNodeCell: (podUid: string) => boolean): Section {
  const rows = [...pods].flatMap((pod) => rowOf(pod, isOnNodeCell(pod.metadata.uid ?? '')) ?? []);
  rows.sort((a, b) => String(a.values[0]).localeCompare(String(b.values[0])));
  return sectionOf(
    {
      id: 'workers',
      title: 'Worker node',
      columns: [{ name: 'Component' }, { name: 'Runs as' }, { name: 'State' }],
      empty: 'No DaemonSet and no node cell has a pod here.',
    },
    rows,
  );
}
