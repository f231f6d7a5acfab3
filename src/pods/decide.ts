import type { CellPhase } from '../core/cell.ts';
import type { PodView } from './pod-view.ts';

/** The few facts of a pod's cell that decide. */
export interface CellView {
  readonly phase: CellPhase;
  /** When the cloud accepted its launch, or the pod claimed it; undefined before. */
  readonly acceptedAtMs?: number;
  /** It was claimed, and whose it is is not written on its machine yet. */
  readonly owesTags: boolean;
  /** Its kubelet is Ready and what it can give covers the pod. */
  readonly canTakePod: boolean;
  /** Its kubelet is Ready and will never have as much as the pod and required agents need, whatever else is on it. */
  readonly isTooSmall: boolean;
  /** Nothing that is required of a cell beside its kubelet is missing. */
  readonly agentsReady: boolean;
  /** When its kubelet was there first. */
  readonly readyAtMs?: number;
  /** It waited in a pool and is this pod's now, which the pod itself may not say yet. */
  readonly isClaimed: boolean;
  /** This process has shown it the pod; the pod's own condition may come later by watch. */
  readonly handedOver: boolean;
  readonly reason?: string;
}

export interface Rules {
  readonly nowMs: number;
  readonly launchTimeoutMs: number;
  /** How long required agents may take before the pod is told of it. */
  readonly agentPatienceMs: number;
  /** Infinity keeps the cells of finished pods until the pods are deleted. */
  readonly completedLingerMs: number;
  /** While it is not, whoever made its pods not Ready would do so again. */
  readonly nodeIsReady: boolean;
}

/** The next thing to do for one pod. */
export type Step =
  | { readonly kind: 'nothing'; readonly againMs?: number }
  /** Choose an offering and write a new cell's id to the pod. */
  | { readonly kind: 'assign' }
  /** Report the pod Ready; it runs nowhere. */
  | { readonly kind: 'absorb' }
  /** The assigned cell did not come: end it and assign another. */
  | { readonly kind: 'replace'; readonly reason: string }
  | { readonly kind: 'launch' }
  /** Write on the claimed cell's machine that it is the pod's. */
  | { readonly kind: 'own' }
  | { readonly kind: 'handOver' }
  /** Its cell could take it, but for agents that are not Ready there; `isLate` when the pod is to be told. */
  | { readonly kind: 'awaitAgents'; readonly isLate: boolean }
  /** Make the pod an agent: it is shown to every cell. */
  | { readonly kind: 'inject' }
  /** The node controller made the pod not Ready while the node was silent: make it Ready if its kubelet says so. */
  | { readonly kind: 'restoreReady' }
  /** No kubelet will do it: make the pod Failed, delete it by uid without grace, and end its cell. */
  | { readonly kind: 'deletePod' }
  /** The machine ended under the pod. */
  | { readonly kind: 'fail'; readonly reason: string }
  /** The pod is no reason for its cell any more. */
  | { readonly kind: 'endCell'; readonly reason: string; readonly podIsGone: boolean };

const NOTHING: Step = { kind: 'nothing' };
const NODE_LOOK_MS = 1_000;
/** How soon it is looked again whether a pod's DaemonSet is known. */
const PLACE_LOOK_MS = 500;
/** How long a pod stays with a claimed cell that can not be written to; after it a new one comes sooner. */
const OWN_PATIENCE_MS = 5_000;
/** How old a pod becomes before it is told that its DaemonSet is not known. */
const PLACE_PATIENCE_MS = 10_000;

function hasKubelet(cell: CellView | undefined): boolean {
  return cell !== undefined && (cell.phase === 'ready' || cell.phase === 'running');
}

function finished(pod: PodView, cell: CellView | undefined, rules: Rules): Step {
  if (pod.deleting && !hasKubelet(cell)) return { kind: 'deletePod' };
  if (cell === undefined || cell.phase === 'ending') return NOTHING;
  const ended: Step = { kind: 'endCell', reason: 'its pod finished', podIsGone: false };
  if (!hasKubelet(cell)) return ended;
  const sinceMs = rules.nowMs - (pod.finishedAtMs ?? 0);
  if (sinceMs >= rules.completedLingerMs) return ended;
  if (rules.completedLingerMs === Number.POSITIVE_INFINITY) return NOTHING;
  return { kind: 'nothing', againMs: rules.completedLingerMs - sinceMs };
}

function unassigned(pod: PodView, rules: Rules): Step {
  // Once absorbed it stays so, whatever becomes of the policy: what was reported Ready is not begun anew.
  if (pod.absorbed || pod.place === 'absorbed') {
    if (pod.absorbed && !pod.markedNotReady) return NOTHING;
    return rules.nodeIsReady ? { kind: 'absorb' } : { kind: 'nothing', againMs: NODE_LOOK_MS };
  }
  if (pod.place !== undefined) return { kind: 'assign' };
  // Assignment tells the pod what it waits for, and looks less often.
  const waitedMs = rules.nowMs - (pod.createdAtMs ?? rules.nowMs);
  return waitedMs < PLACE_PATIENCE_MS ? { kind: 'nothing', againMs: PLACE_LOOK_MS } : { kind: 'assign' };
}

/** Of a pod that its cell's kubelet can take. */
function handOver({ agentsReady, readyAtMs }: CellView, rules: Rules): Step {
  if (agentsReady) return { kind: 'handOver' };
  const isLate = readyAtMs !== undefined && rules.nowMs - readyAtMs >= rules.agentPatienceMs;
  return { kind: 'awaitAgents', isLate };
}

/** An agent's pod has no cell of its own; what it is in cells is theirs, and ends when they have let it go. */
function agent(pod: PodView): Step {
  if (pod.injected) return NOTHING;
  return pod.deleting || pod.finished ? { kind: 'deletePod' } : { kind: 'inject' };
}

function onItsWay(cell: CellView, rules: Rules): Step {
  if (cell.owesTags) {
    const waitedMs = rules.nowMs - (cell.acceptedAtMs ?? rules.nowMs);
    if (waitedMs < OWN_PATIENCE_MS) return { kind: 'own' };
    return { kind: 'replace', reason: 'it could not be written on its machine whose it is' };
  }
  const mayBeHad = cell.canTakePod && (cell.agentsReady || !cell.isTooSmall);
  if (mayBeHad) return handOver(cell, rules);
  if (cell.isTooSmall) {
    return { kind: 'replace', reason: 'its kubelet can give less than the pod and its required agents need' };
  }
  // Before the cloud has accepted, the provider's own deadline bounds the wait.
  if (cell.acceptedAtMs === undefined) return NOTHING;
  const waitedMs = rules.nowMs - cell.acceptedAtMs;
  if (waitedMs < rules.launchTimeoutMs) return { kind: 'nothing', againMs: rules.launchTimeoutMs - waitedMs };
  const limitSeconds = Math.round(rules.launchTimeoutMs / 1000);
  return { kind: 'replace', reason: `it did not become ready within ${limitSeconds} s` };
}

/**
 * What to do next for a pod that is bound to the virtual node, or was (`undefined`: its uid is gone).
 * Pure; called after every change of the pod or its cell, so each step may assume only what is told here.
 */
export function decide(pod: PodView | undefined, cell: CellView | undefined, rules: Rules): Step {
  if (pod === undefined) {
    if (cell === undefined || cell.phase === 'ending') return NOTHING;
    return { kind: 'endCell', reason: 'its pod is gone', podIsGone: true };
  }
  if (pod.place === 'every-cell' && pod.cellId === undefined && !pod.absorbed) return agent(pod);
  // It may not be one any more: where it was shown it is no more, and its controller makes another.
  if (pod.injected) return { kind: 'deletePod' };
  const handedOver = pod.handedOver || cell?.handedOver === true;
  if (pod.finished) return finished(pod, cell, rules);
  const awaitsEnd = cell?.handedOver === true && (hasKubelet(cell) || cell.phase === 'ending');
  if (pod.deleting) return awaitsEnd ? NOTHING : { kind: 'deletePod' };
  // A claim is written on the machine first, and on the pod as it is handed over.
  if (pod.cellId === undefined && cell?.isClaimed !== true) return unassigned(pod, rules);
  if (cell === undefined) {
    return handedOver ? { kind: 'fail', reason: 'its machine no longer exists' } : { kind: 'launch' };
  }
  switch (cell.phase) {
    case 'requested':
      return { kind: 'launch' };
    case 'launching':
    case 'booting':
    case 'ready':
      return onItsWay(cell, rules);
    case 'running':
      // A cell that runs others is not given up for one that it can not take yet.
      if (!cell.handedOver) return cell.canTakePod ? handOver(cell, rules) : NOTHING;
      if (!pod.markedNotReady) return NOTHING;
      return rules.nodeIsReady ? { kind: 'restoreReady' } : { kind: 'nothing', againMs: NODE_LOOK_MS };
    case 'stopped':
      return { kind: 'replace', reason: 'its machine is stopped' };
    case 'ending':
      return handedOver ? NOTHING : { kind: 'replace', reason: cell.reason ?? 'it was ended' };
    case 'lost':
    case 'ended': {
      const reason = cell.reason ?? 'its machine ended';
      return handedOver ? { kind: 'fail', reason } : { kind: 'replace', reason };
    }
  }
}
