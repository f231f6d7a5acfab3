import { isRecordedAgent } from '../core/agent-record.ts';
import { CELL_ANNOTATION } from '../core/names.ts';
import type { Collection } from '../kube/collection.ts';
import { podName, type WirePod } from '../kube/wire-pod.ts';
import type { CellAddress, CellDirectory, CellOfPod, MissingCell, RunningCell } from '../kubelet-endpoint/ports.ts';
import { absorption } from './absorption.ts';
import type { Book } from './book.ts';
import { type Cell, shownMembers } from './cell.ts';

/** Port of every cell's kubelet. */
const CELL_KUBELET_PORT = 10_250;

/** Where a cell's kubelet listens; undefined before the cloud has said. */
export function kubeletOf(cell: Cell): CellAddress | undefined {
  const address = cell.machine?.addresses[0];
  return address === undefined ? undefined : { cellId: cell.cellId, address, port: CELL_KUBELET_PORT };
}

/** Which cell's kubelet answers for which pod; for an agent, the one of a cell that is named. */
export function directoryOf(book: Book, pods: Collection<WirePod>): CellDirectory {
  function identity(uid: string, pod: string) {
    const [namespace = '', name = ''] = pod.split('/');
    return { namespace, name, uid };
  }

  function ofPod(namespace: string, name: string, cellId?: string): CellOfPod | MissingCell {
    const pod = pods.get(namespace, name);
    if (pod === undefined) return { missing: `pod ${namespace}/${name} is not on this node` };
    const podUid = pod.metadata.uid ?? '';
    if (isRecordedAgent(pod)) return ofAgent(pod, podUid, cellId);
    const cell = book.ofPod(podUid);
    if (cellId !== undefined && cell?.cellId !== cellId) return { missing: `the pod is not on ${cellId}` };
    const kubelet = cell && kubeletOf(cell);
    if (cell?.members.get(podUid)?.handedOver === true && kubelet !== undefined) return { ...kubelet, podUid };
    return { missing: why(pod, cell !== undefined) };
  }

  function ofAgent(pod: WirePod, podUid: string, cellId: string | undefined): CellOfPod | MissingCell {
    const name = podName(pod);
    if (cellId === undefined) {
      const { metadata } = pod;
      const command = `nodeless cells logs CELL ${metadata.name} -n ${metadata.namespace}`;
      return { missing: `${name} is an agent, and runs on every cell: \`${command}\` reads its logs on one of them` };
    }
    const cell = book.get(cellId);
    if (cell === undefined) return { missing: `there is no cell ${cellId}` };
    if (!cell.agents.has(podUid)) return { missing: `agent ${name} is not on ${cellId}` };
    const kubelet = kubeletOf(cell);
    return kubelet === undefined ? { missing: `cell ${cellId} is still on its way` } : { ...kubelet, podUid };
  }

  function why(pod: WirePod, hasCell: boolean): string {
    const absorbed = absorption(pod);
    if (absorbed !== undefined) return absorbed;
    const cellId = pod.metadata.annotations?.[CELL_ANNOTATION];
    const phase = pod.status?.phase;
    if (cellId === undefined) return 'the pod has no cell yet; its events tell why it waits';
    if (phase === 'Succeeded' || phase === 'Failed') {
      return `cell ${cellId} ended after the pod finished; its logs went with it (raise cells.completedLinger to keep cells longer)`;
    }
    return hasCell ? `cell ${cellId} is still on its way` : `cell ${cellId} is gone`;
  }

  function running(): readonly RunningCell[] {
    return [...book.cells()].flatMap((cell) => {
      const kubelet = kubeletOf(cell);
      if (cell.phase !== 'running' || kubelet === undefined) return [];
      const own = shownMembers(cell).map(({ uid, pod }) => identity(uid, pod));
      const agents = [...cell.agents.values()].map(({ uid, pod }) => ({ ...identity(uid, pod), isAgent: true }));
      return [{ ...kubelet, pods: [...own, ...agents] }];
    });
  }

  return { ofPod, running };
}
