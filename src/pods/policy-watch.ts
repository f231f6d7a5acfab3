import type { Logger } from 'pino';
import type { Book } from '../cells/book.ts';
import { type Cell, isServed } from '../cells/cell.ts';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { POLICY_ENFORCED_CONDITION } from '../core/names.ts';
import type { CollectionReader } from '../kube/collection.ts';
import type { EventRecorder } from '../kube/events.ts';
import type { NetworkPolicy } from '../kube/network-policy-index.ts';
import type { KubeObject } from '../kube/objects.ts';
import { podName, type WirePod } from '../kube/wire-pod.ts';
import type { Policies } from '../placement/shelter.ts';
import type { NodePods } from './node-pods.ts';
import { isFinished } from './room.ts';
import { enforcedPatch, type PodWriter } from './status.ts';

export interface PolicyWatchOptions {
  readonly book: Pick<Book, 'ofPod'>;
  readonly pods: Pick<NodePods, 'get' | 'inNamespace' | 'observe'>;
  readonly networkPolicies: Pick<CollectionReader<NetworkPolicy>, 'items' | 'subscribe'>;
  /** As the API server has them: whose labels change. */
  readonly upstreamPods: Pick<CollectionReader<WirePod>, 'items' | 'subscribe'>;
  readonly cellClasses: Pick<CollectionReader<KubeObject>, 'subscribe'>;
  readonly policies: Policies;
  /** Whether anything enforces NetworkPolicies on a cell, by its class. */
  readonly isEnforcedOn: (cell: Cell) => boolean;
  readonly writer: Pick<PodWriter, 'patch'>;
  readonly events: Pick<EventRecorder, 'warning'>;
  readonly clock: Clock;
  /** False while another process may lead. */
  readonly mayAct: () => boolean;
  readonly logger: Logger;
}

const TICK_MS = 1_000;
/** A policy may select all pods of a large namespace. */
const MAX_WRITES_PER_TICK = 20;

/** A pod and what is to be said of it. */
interface Telling {
  readonly pod: WirePod;
  /** The policy that nothing enforces; undefined where that is over. */
  readonly policy?: string;
}

/** Whether a pod has been told that nothing enforces a policy. */
function isTold({ status }: WirePod): boolean {
  return status?.conditions?.find(({ type }) => type === POLICY_ENFORCED_CONDITION)?.status === 'False';
}

type Labels = Readonly<Record<string, string>>;

const NO_LABELS: Labels = {};

function areSame(some: Labels, others: Labels): boolean {
  const names = Object.keys(some);
  return names.length === Object.keys(others).length && names.every((name) => some[name] === others[name]);
}

/**
 * Calls back with each namespace in which it may have changed what there is to tell: at first those that have policies, and those
 * of pods that have been told; then those whose policies or pods' labels change, and all when a CellClass does.
 * @returns what ends it
 */
function watchNamespaces(
  { networkPolicies, upstreamPods, cellClasses }: PolicyWatchOptions,
  note: (namespace: string) => void,
): () => void {
  const labelsByUid = new Map<string, Labels>();
  const noteOf = ({ metadata }: KubeObject) => note(metadata.namespace ?? 'default');
  const labelsOf = ({ metadata }: WirePod) => metadata.labels ?? NO_LABELS;
  for (const policy of networkPolicies.items()) noteOf(policy);
  for (const pod of upstreamPods.items()) {
    labelsByUid.set(pod.metadata.uid ?? '', labelsOf(pod));
    if (isTold(pod)) noteOf(pod);
  }
  const ends = [
    networkPolicies.subscribe(({ object }) => noteOf(object)),
    cellClasses.subscribe(() => {
      for (const pod of upstreamPods.items()) noteOf(pod);
    }),
    upstreamPods.subscribe(({ type, object }) => {
      const { uid = '' } = object.metadata;
      const before = labelsByUid.get(uid);
      if (type === 'DELETED') {
        labelsByUid.delete(uid);
        return;
      }
      labelsByUid.set(uid, labelsOf(object));
      if (before !== undefined && !areSame(before, labelsOf(object))) noteOf(object);
    }),
  ];
  return () => ends.forEach((end) => void end());
}

/** What there is to tell of a pod that has not been told: its own condition remembers, over restarts too. */
function tellingOf(pod: WirePod, policy: string | undefined): Telling | undefined {
  if (isTold(pod) === (policy !== undefined)) return undefined;
  return policy === undefined ? { pod } : { pod, policy };
}

/**
 * Tells pods that have a cell of NetworkPolicies that select them since and that nothing enforces there: once by an event, and by
 * a condition for as long as it is so. Looks at a namespace's pods when what may be told of them changes. Until the signal aborts.
 */
export async function watchPolicies(options: PolicyWatchOptions, signal: AbortSignal): Promise<void> {
  const { book, pods, policies, isEnforcedOn, writer, events, clock, mayAct, logger } = options;
  /** Namespaces whose pods are to be looked at. */
  const changed = new Set<string>();
  /** Pods that could not be told, by uid: they come after those that were not tried. */
  const untold = new Set<string>();
  let failing = false;
  const end = watchNamespaces(options, (namespace) => changed.add(namespace));

  function tellingsIn(namespace: string): readonly Telling[] {
    return pods.inNamespace(namespace).flatMap((pod) => {
      const cell = book.ofPod(pod.metadata.uid ?? '');
      if (cell === undefined || !isServed(cell) || isFinished(pod) || pod.metadata.deletionTimestamp !== undefined)
        return [];
      const policy = isEnforcedOn(cell) ? undefined : policies.selecting(namespace, pod.metadata.labels ?? {});
      return tellingOf(pod, policy) ?? [];
    });
  }

  async function tell({ pod, policy }: Telling): Promise<void> {
    const name = podName(pod);
    const message =
      policy === undefined
        ? 'no NetworkPolicy selects the pod that nothing enforces'
        : `NetworkPolicy ${policy} selects the pod, and nothing enforces it on the cell that the pod had before; delete the pod to have another where it is enforced`;
    const after = await writer.patch(pod, (now) => enforcedPatch(policy === undefined, message, now), { signal });
    if (after === undefined) return;
    if (pods.get(pod.metadata.uid ?? '') !== undefined) pods.observe(after);
    if (policy === undefined) return;
    logger.warn({ pod: name, policy }, 'nothing enforces a NetworkPolicy that selects a pod on a cell');
    events.warning(pod, 'NotEnforced', message);
  }

  async function look(namespace: string, most: number): Promise<number> {
    // First: what changes from now on is looked at again.
    changed.delete(namespace);
    const isUntold = ({ pod }: Telling) => untold.has(pod.metadata.uid ?? '');
    const tellings = tellingsIn(namespace).toSorted((a, b) => Number(isUntold(a)) - Number(isUntold(b)));
    if (tellings.length > most) changed.add(namespace);
    for (const telling of tellings.slice(0, most)) {
      const { uid = '' } = telling.pod.metadata;
      try {
        await tell(telling);
        untold.delete(uid);
      } catch (error) {
        changed.add(namespace);
        untold.add(uid);
        throw error;
      }
    }
    return Math.min(tellings.length, most);
  }

  while (!signal.aborted) {
    await clock.sleep(TICK_MS, signal).catch(() => undefined);
    if (signal.aborted || !mayAct() || !policies.synced) continue;
    for (const uid of untold) if (pods.get(uid) === undefined) untold.delete(uid);
    let left = MAX_WRITES_PER_TICK;
    try {
      for (const namespace of [...changed]) if (left > 0) left -= await look(namespace, left);
      failing = false;
    } catch (error) {
      if (!failing && !signal.aborted)
        logger.warn({ reason: messageOf(error) }, 'pods can not be told of NetworkPolicies now');
      failing = true;
    }
  }
  end();
}
