import { CELL_READY_CONDITION } from './names.ts';

/** Reason of the condition `nodeless.io/CellReady` of a pod that is in every cell. */
export const INJECTED = 'Injected';

/** Whether a pod has been made an agent, as its condition tells durably. */
export function isRecordedAgent(pod: {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly reason?: string }[] };
}): boolean {
  const { conditions = [] } = pod.status ?? {};
  return conditions.some(({ type, reason }) => type === CELL_READY_CONDITION && reason === INJECTED);
}
