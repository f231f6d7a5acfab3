import { ABSORBED } from '../cells/absorption.ts';
import { INJECTED } from '../core/agent-record.ts';
import type { Clock } from '../core/clock.ts';
import { kubeTime } from '../core/clock.ts';
import {
  CELL_ANNOTATION,
  CELL_READY_CONDITION,
  CHOICE_ANNOTATION,
  DISRUPTION_TARGET,
  POLICY_ENFORCED_CONDITION,
  START_ANNOTATION,
} from '../core/names.ts';
import { call, isStatus } from '../kube/calls.ts';
import type { KubeClient } from '../kube/client.ts';
import type { WirePod } from '../kube/wire-pod.ts';
import type { RecordedChoice } from './recorded-choice.ts';
import type { RecordedStart } from './recorded-start.ts';

interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
}

function condition(type: string, status: 'True' | 'False', reason: string, message: string, nowMs: number): Condition {
  return { type, status, reason, message, lastTransitionTime: kubeTime(nowMs) };
}

/** What a pod is given. */
interface Assigned {
  readonly cellId: string;
  /** How many places it has been given with this one. */
  readonly attempt: number;
  readonly choice?: RecordedChoice;
}

/** The pod has a cell id, and its cell is asked for; with the choice that was made for it, unless it joins another's. */
export function assignedPatch({ cellId, attempt, choice }: Assigned, message: string, nowMs: number): object {
  const annotations = {
    [CELL_ANNOTATION]: cellId,
    [START_ANNOTATION]: JSON.stringify({ attempt }),
    [CHOICE_ANNOTATION]: choice === undefined ? null : JSON.stringify(choice),
  };
  return {
    metadata: { annotations },
    status: { conditions: [condition(CELL_READY_CONDITION, 'False', 'CellRequested', message, nowMs)] },
  };
}

/** The pod waits: no cell can be had, for this reason. A cell id that it had is void. */
export function waitingPatch(reason: string, message: string, nowMs: number): object {
  return {
    metadata: { annotations: { [CELL_ANNOTATION]: null } },
    status: { conditions: [condition(CELL_READY_CONDITION, 'False', reason, message, nowMs)] },
  };
}

/** The pod is shown to its cell's kubelet from now on; with the cell's id where the pod does not say it yet. */
export function handedOverPatch(
  { start, cellId }: { readonly start: RecordedStart; readonly cellId?: string },
  message: string,
  nowMs: number,
): object {
  const place = cellId === undefined ? {} : { [CELL_ANNOTATION]: cellId, [CHOICE_ANNOTATION]: null };
  return {
    metadata: { annotations: { ...place, [START_ANNOTATION]: JSON.stringify(start) } },
    status: { conditions: [condition(CELL_READY_CONDITION, 'True', 'CellReady', message, nowMs)] },
  };
}

/** Whether the NetworkPolicies that select a pod are enforced where it is. */
export function enforcedPatch(enforced: boolean, message: string, nowMs: number): object {
  const told = condition(
    POLICY_ENFORCED_CONDITION,
    enforced ? 'True' : 'False',
    enforced ? 'Enforced' : 'NotEnforced',
    message,
    nowMs,
  );
  return { status: { conditions: [told] } };
}

/** The pod is in every cell from now on; whether it is Ready is to be seen, unless there is none. */
export function injectedPatch(message: string, isReady: boolean, nowMs: number): object {
  const at = kubeTime(nowMs);
  const ready = isReady ? 'True' : 'False';
  return {
    status: {
      phase: 'Running',
      startTime: at,
      conditions: [
        ...['ContainersReady', 'Ready'].map((type) => ({ type, status: ready, lastTransitionTime: at })),
        condition(CELL_READY_CONDITION, 'False', INJECTED, message, nowMs),
      ],
    },
  };
}

/** The pod is reported Ready, without an address; nothing runs it. */
export function absorbedPatch(pod: WirePod, message: string, nowMs: number): object {
  const at = kubeTime(nowMs);
  const met = ['PodReadyToStartContainers', 'Initialized', 'ContainersReady', 'Ready'];
  return {
    status: {
      phase: 'Running',
      startTime: pod.status?.startTime ?? at,
      conditions: [
        ...met.map((type) => ({ type, status: 'True', lastTransitionTime: at })),
        condition(CELL_READY_CONDITION, 'False', ABSORBED, message, nowMs),
      ],
      containerStatuses: pod.spec.containers.map(({ name, image = '' }) => ({
        name,
        image,
        imageID: '',
        ready: true,
        started: true,
        restartCount: 0,
        state: { running: { startedAt: at } },
      })),
    },
  };
}

/** A pod that was reported Ready and never run ends. */
export function dismissedPatch(): object {
  return { status: { phase: 'Succeeded' } };
}

/** The pod's containers are ready still. */
export function readyPatch(nowMs: number): object {
  return { status: { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: kubeTime(nowMs) }] } };
}

/** The pod's machine ended under it. Source of the shape: PodGC's for pods of vanished nodes. */
export function lostPatch(pod: WirePod, message: string, nowMs: number): object {
  // A list that is replaced as a whole: what the kubelet said last, but for what is no longer so.
  const containerStatuses = pod.status?.containerStatuses?.map((status) => ({
    ...status,
    ready: false,
    started: false,
  }));
  return {
    status: {
      ...(containerStatuses === undefined ? {} : { containerStatuses }),
      phase: 'Failed',
      reason: 'CellLost',
      message,
      conditions: [
        condition(DISRUPTION_TARGET, 'True', 'CellLost', message, nowMs),
        condition('Ready', 'False', 'CellLost', message, nowMs),
        condition('ContainersReady', 'False', 'CellLost', message, nowMs),
      ],
    },
  };
}

/** The pod ended without ever having run. */
export function endedPatch(message: string, nowMs: number): object {
  return {
    status: {
      phase: 'Failed',
      reason: 'CellNotReady',
      message,
      conditions: [condition('Ready', 'False', 'CellNotReady', message, nowMs)],
    },
  };
}

function pathOf(pod: WirePod): string {
  return `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}`;
}

/** Writes to pods of the virtual node, as the node, never to another pod of the same name. */
export class PodWriter {
  readonly #nodeClient: KubeClient;
  readonly #clock: Clock;

  constructor(nodeClient: KubeClient, clock: Clock) {
    this.#nodeClient = nodeClient;
    this.#clock = clock;
  }

  /**
   * Merges a patch into the pod's status and annotations; resolves with the pod as it is then, or undefined when
   * the pod is gone. With `exclusive`, refused (409) when the pod changed since it was read.
   */
  async patch(
    pod: WirePod,
    build: (nowMs: number) => object,
    options: { exclusive?: boolean; signal: AbortSignal },
  ): Promise<WirePod | undefined> {
    const patch = build(this.#clock.now()) as { metadata?: object };
    const { uid, resourceVersion } = pod.metadata;
    const precondition = options.exclusive === true ? { uid, resourceVersion } : { uid };
    try {
      return await call<WirePod>(this.#nodeClient, {
        method: 'PATCH',
        path: `${pathOf(pod)}/status`,
        contentType: 'application/strategic-merge-patch+json',
        body: { ...patch, metadata: { ...patch.metadata, ...precondition } },
        signal: options.signal,
      });
    } catch (error) {
      if (isStatus(error, 404)) return undefined;
      throw error;
    }
  }

  /** Asks for the pod's eviction, if it is still this one; false when a disruption budget forbids it for now. */
  async evict(pod: WirePod, signal: AbortSignal): Promise<boolean> {
    const { name, namespace, uid } = pod.metadata;
    const deleteOptions = { preconditions: { uid } };
    const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace }, deleteOptions };
    try {
      await call(this.#nodeClient, { method: 'POST', path: `${pathOf(pod)}/eviction`, body, signal });
    } catch (error) {
      if (isStatus(error, 429)) return false;
      if (!isStatus(error, 404) && !isStatus(error, 409)) throw error;
    }
    return true;
  }

  /** Has the pod end within its time, if it is still this one, whatever a disruption budget says. */
  async end(pod: WirePod, graceSeconds: number, signal: AbortSignal): Promise<void> {
    const body = { gracePeriodSeconds: graceSeconds, preconditions: { uid: pod.metadata.uid } };
    try {
      await call(this.#nodeClient, { method: 'DELETE', path: pathOf(pod), body, signal });
    } catch (error) {
      if (!isStatus(error, 404) && !isStatus(error, 409)) throw error;
    }
  }

  /**
   * Deletes the pod at once, if it is still this one; with `exclusive`, only if nobody has changed it since it was read.
   * Resolves with false when it was not deleted.
   */
  async delete(pod: WirePod, signal: AbortSignal, { exclusive = false } = {}): Promise<boolean> {
    const { uid, resourceVersion } = pod.metadata;
    const body = { gracePeriodSeconds: 0, preconditions: exclusive ? { uid, resourceVersion } : { uid } };
    try {
      await call(this.#nodeClient, { method: 'DELETE', path: pathOf(pod), body, signal });
      return true;
    } catch (error) {
      if (!isStatus(error, 404) && !isStatus(error, 409)) throw error;
      return false;
    }
  }
}
