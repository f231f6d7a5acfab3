import { ABSORBED, absorption } from '../cells/absorption.ts';
import { type Cell, enteredForPod, isNeededByOthers, isServed } from '../cells/cell.ts';
import { DAEMONSET_POLICY_ANNOTATION } from '../core/names.ts';
import { SetsByKey } from '../core/sets-by-key.ts';
import { podName, type WirePod } from '../kube/wire-pod.ts';
import { daemonSetOwnerOf } from '../placement/place.ts';
import { AgentSteps, type AgentStepsOptions } from './agent-steps.ts';
import { TURN_LOOK_MS } from './assignment.ts';
import type { Step } from './decide.ts';
import { EndSteps, type EndStepsOptions } from './end-steps.ts';
import { LaunchSteps, type LaunchStepsOptions } from './launch-steps.ts';
import { learnFromFailedStart, learnFromStart } from './learning.ts';
import type { Outcome } from './outcome.ts';
import { viewOf } from './pod-view.ts';
import { startOf } from './recorded-start.ts';
import type { Readiness } from './restore-ready.ts';
import { absorbedPatch, handedOverPatch, readyPatch } from './status.ts';
import { describeStart } from './timeline.ts';

export interface PodStepsOptions extends LaunchStepsOptions, AgentStepsOptions, EndStepsOptions {
  readonly readiness: Readiness;
}

/** A step that acts on a pod. */
export type PodStep = Exclude<Step, { kind: 'nothing' } | { kind: 'endCell' }>;

const HAND_OVER_LOOK_MS = 1_000;

/** Phases in which a cell has pods, or one is being handed over. */
function hasRun(cell: Cell): boolean {
  return cell.phase === 'ready' || cell.phase === 'running';
}

/** Performs what `decide` has decided. Each step may be repeated: what it has done before it does not do again. */
export class PodSteps {
  readonly #options: PodStepsOptions;
  /** Pods whose hand-over is being written, by their cell. */
  readonly #handingOver = new SetsByKey();
  readonly #launchSteps: LaunchSteps;
  readonly #agentSteps: AgentSteps;
  readonly #endSteps: EndSteps;

  constructor(options: PodStepsOptions) {
    this.#options = options;
    this.#launchSteps = new LaunchSteps(options);
    this.#agentSteps = new AgentSteps(options);
    this.#endSteps = new EndSteps(options);
  }

  /** Drops what is remembered of a pod that is gone. */
  forget(pod: WirePod): void {
    this.#options.assignment.forget(pod);
    const { uid } = viewOf(pod);
    this.#options.readiness.forget(uid);
    this.#agentSteps.forget(uid);
  }

  /** Calls `again` when what a step has started in the background has come to something that nothing else tells of. */
  async perform(
    step: PodStep,
    pod: WirePod,
    cell: Cell | undefined,
    again: () => void,
    signal: AbortSignal,
  ): Promise<Outcome> {
    switch (step.kind) {
      case 'assign':
        return this.#options.assignment.assign(pod, again, signal);
      case 'absorb':
        return this.#absorb(pod, signal);
      case 'inject':
        return this.#agentSteps.inject(pod, signal);
      case 'awaitAgents':
        return cell === undefined ? {} : this.#agentSteps.awaitAgents(pod, cell, step.isLate);
      case 'replace':
        return this.#replace(pod, cell, step.reason, again, signal);
      case 'launch':
        return this.#launchSteps.launch(pod, cell, again, signal);
      case 'own':
        return cell === undefined ? {} : this.#launchSteps.own(pod, cell, signal);
      case 'handOver':
        return this.#handOver(pod, cell, signal);
      case 'restoreReady':
        return this.#restoreReady(pod, cell, again, signal);
      case 'deletePod':
        return this.#endSteps.deletePod(pod, cell, signal);
      case 'fail':
        return this.#endSteps.fail(pod, cell, step.reason, signal);
    }
  }

  async #absorb(pod: WirePod, signal: AbortSignal): Promise<Outcome> {
    const { writer, events } = this.#options;
    const name = daemonSetOwnerOf(pod)?.name;
    const why = `is absorbed: its pod is reported Ready here and runs nowhere, for cells bring what nodes need`;
    const remedy = `annotate the DaemonSet with ${DAEMONSET_POLICY_ANNOTATION}: node-cell or inject to run it`;
    const message = absorption(pod) ?? `DaemonSet ${name} ${why}; ${remedy}`;
    const patched = await writer.patch(pod, (now) => absorbedPatch(pod, message, now), { exclusive: true, signal });
    if (patched !== undefined && !viewOf(pod).absorbed) events.normal(pod, ABSORBED, message);
    return { pod: patched };
  }

  async #replace(
    pod: WirePod,
    cell: Cell | undefined,
    reason: string,
    again: () => void,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { events, book, placement, assignment } = this.#options;
    // Looked at first: what has lost its cell must get another in the same step.
    if (assignment.awaitsTurn(pod, again)) return { againMs: TURN_LOOK_MS };
    const { uid, cellId } = viewOf(pod);
    if (cell !== undefined) {
      // Another pod may have it the next moment.
      if (this.#handingOver.values(cell.cellId).length > 0) return { againMs: HAND_OVER_LOOK_MS };
      events.warning(pod, 'CellReplaced', `${cell.cellId} could not take the pod: ${reason}`);
      if (cell.phase === 'booting' && cell.pool === undefined) learnFromFailedStart(placement.experience, cell);
      // Nobody is to join a cell that does not come; the others that wait for it find another as well.
      const isShared = cell.purpose !== undefined || isNeededByOthers(cell, uid);
      if (isShared && isServed(cell)) book.enter(cell, 'lost', reason);
      this.#endSteps.leave(cell, uid, reason);
      // The pod does not say that it is the cell's, so that could not be taken back there.
      if (cellId === undefined) book.leave(cell, uid);
    }
    return assignment.assign(pod, again, signal);
  }

  async #handOver(pod: WirePod, cell: Cell | undefined, signal: AbortSignal): Promise<Outcome> {
    if (cell === undefined) return {};
    const { book, placement, writer, events, clock } = this.#options;
    const message = cell.phase === 'running' ? 'there is room on it' : describeStart(cell, clock.now());
    if (cell.phase !== 'running') book.enter(cell, 'ready');
    learnFromStart(placement.experience, cell);
    const { uid, cellId } = viewOf(pod);
    const isNews = cellId === undefined;
    const start = startOf(pod, enteredForPod(cell), { isNews, ...(cell.pool && { pool: cell.pool.name }) });
    const told = { start, ...(isNews ? { cellId: cell.cellId } : {}) };
    this.#handingOver.add(cell.cellId, uid);
    const patched = await writer
      .patch(pod, (now) => handedOverPatch(told, message, now), { exclusive: isNews, signal })
      .finally(() => this.#handingOver.delete(cell.cellId, uid));
    if (patched === undefined || !hasRun(cell)) return { pod: patched };
    events.normal(pod, 'CellReady', `${cell.cellId}: ${message}`);
    book.handOver(cell, uid);
    return { pod: patched };
  }

  async #restoreReady(pod: WirePod, cell: Cell | undefined, again: () => void, signal: AbortSignal): Promise<Outcome> {
    const { readiness, writer, logger } = this.#options;
    if (cell === undefined) return {};
    const proved = readiness.look(pod, cell, again, signal);
    if (proved !== true) return proved;
    readiness.forget(viewOf(pod).uid);
    logger.info({ pod: podName(pod), cell: cell.cellId }, 'the pod is ready still, by its kubelet');
    return { pod: await writer.patch(pod, readyPatch, { exclusive: true, signal }) };
  }
}
