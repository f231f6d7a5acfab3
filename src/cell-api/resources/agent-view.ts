import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '../../kube/objects.ts';
import type { PodStatus } from '../ports.ts';
import type { ShownPod } from '../session.ts';

interface Condition {
  readonly type: string;
}

/**
 * The status of an agent of which the cell has told nothing: nobody's. A kubelet that finds another's takes containers that
 * it does not have for its own, and says that they have ended; of one that is empty it says at once what it knows.
 */
function blankStatus({ status }: KubeObject): PodStatus {
  const { qosClass, conditions = [] } = (status ?? {}) as { qosClass?: string; conditions?: readonly Condition[] };
  const scheduled = conditions.filter(({ type }) => type === 'PodScheduled');
  return { phase: 'Pending', ...(qosClass === undefined ? {} : { qosClass }), conditions: scheduled };
}

/** An agent's pod with a cell's own status of it; the same object as long as neither has changed. */
export function ownView(shown: ShownPod, pod: KubeObject, status: PodStatus | undefined): KubeObject {
  const { own } = shown;
  if (own !== undefined && own.pod === pod && own.status === status) return own.object;
  const object = { ...pod, status: status ?? blankStatus(pod) };
  shown.own = { object, pod, status };
  return object;
}

/** Whether two states of an object differ in nothing that its cells are shown of an agent. */
export function differInStatusAlone(before: KubeObject, after: KubeObject): boolean {
  const { status: _was, metadata: old, ...rest } = before;
  const { status: _is, metadata: now, ...others } = after;
  const { resourceVersion: _before, managedFields: _fields, ...names } = old;
  const { resourceVersion: _after, managedFields: _changed, ...same } = now;
  return isDeepStrictEqual(names, same) && isDeepStrictEqual(rest, others);
}
