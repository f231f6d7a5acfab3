import { CELL_READY_CONDITION } from '../core/names.ts';
import type { WirePod } from '../kube/wire-pod.ts';

/** Reason of the condition `nodeless.io/CellReady` of a pod that is reported Ready and not run. */
export const ABSORBED = 'Absorbed';

/** Why a pod is not run though it is Ready, in words; undefined for one that is, or will be. */
export function absorption(pod: WirePod): string | undefined {
  const condition = pod.status?.conditions?.find(({ type }) => type === CELL_READY_CONDITION);
  return condition?.reason === ABSORBED ? condition.message : undefined;
}
