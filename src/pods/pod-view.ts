import { absorption } from '../cells/absorption.ts';
import type { Binding } from '../cells/adopt.ts';
import { isRecordedAgent } from '../core/agent-record.ts';
import { CELL_ANNOTATION, CELL_READY_CONDITION } from '../core/names.ts';
import { hasCondition } from '../kube/objects.ts';
import { podName, type WirePod } from '../kube/wire-pod.ts';
import { wantedCompany } from '../placement/company.ts';
import { mayNeedNodeCell, type Place } from '../placement/place.ts';
import { markedNotReady } from './readiness.ts';

/** The few facts of a pod that decide what happens to its cell. */
export interface PodView {
  readonly uid: string;
  /** `namespace/name`. */
  readonly pod: string;
  /** The cell that its annotation names. */
  readonly cellId?: string;
  /** Succeeded or Failed. */
  readonly finished: boolean;
  /** When its last container ended; undefined when its status does not tell. */
  readonly finishedAtMs?: number;
  readonly deleting: boolean;
  readonly createdAtMs?: number;
  /** Its cell's kubelet was shown the pod at some time, as its condition tells durably. */
  readonly handedOver: boolean;
  /** Not Ready by another's word than its kubelet's. */
  readonly markedNotReady: boolean;
  /** Where it is to run; undefined while that is not known. */
  readonly place?: Place;
  /** It is reported Ready, and not run. */
  readonly absorbed: boolean;
  /** It has been made an agent, and may be in cells. */
  readonly injected: boolean;
}

function lastEndOf(pod: WirePod): number | undefined {
  const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
  const ends = statuses.flatMap(({ state }) => {
    const at = Date.parse(String(state?.terminated?.finishedAt ?? ''));
    return Number.isNaN(at) ? [] : [at];
  });
  return ends.length === 0 ? undefined : Math.max(...ends);
}

/** The decisive facts of a pod. */
export function viewOf(pod: WirePod, place?: Place): PodView {
  const cellId = pod.metadata.annotations?.[CELL_ANNOTATION];
  const finishedAtMs = lastEndOf(pod);
  const createdAtMs = Date.parse(String(pod.metadata.creationTimestamp ?? ''));
  const phase = pod.status?.phase;
  return {
    uid: pod.metadata.uid ?? '',
    pod: podName(pod),
    ...(cellId === undefined ? {} : { cellId }),
    ...(finishedAtMs === undefined ? {} : { finishedAtMs }),
    finished: phase === 'Succeeded' || phase === 'Failed',
    ...(Number.isNaN(createdAtMs) ? {} : { createdAtMs }),
    deleting: pod.metadata.deletionTimestamp !== undefined,
    handedOver: hasCondition(pod, CELL_READY_CONDITION),
    markedNotReady: markedNotReady(pod),
    ...(place === undefined ? {} : { place }),
    absorbed: absorption(pod) !== undefined && hasCondition(pod, 'ContainersReady'),
    injected: isRecordedAgent(pod),
  };
}

/** What a pod says of its cell after a restart. */
export function bindingOf(pod: WirePod): Binding {
  return { ...viewOf(pod), seeksCompany: wantedCompany(pod).length > 0, mayNeedNodeCell: mayNeedNodeCell(pod) };
}
