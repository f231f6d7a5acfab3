import type { Logger } from 'pino';
import type { Book } from '../cells/book.ts';
import { type Cell, isServed } from '../cells/cell.ts';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { podName, type WirePod } from '../kube/wire-pod.ts';
import type { NodePods } from '../pods/node-pods.ts';
import type { PodWriter } from '../pods/status.ts';
import type { AgentSeating } from './seating.ts';
import type { AgentSight } from './sight.ts';
import { isWritten, summedStatus } from './sum.ts';

export interface AgentKeeperOptions {
  readonly book: Book;
  readonly pods: NodePods;
  readonly seating: AgentSeating;
  readonly writer: PodWriter;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long an agent may take to become Ready on a cell. */
  readonly patienceMs: number;
  /** False while another process may lead. */
  readonly mayAct: () => boolean;
  /** While it is not, the node controller would make agents not Ready again. */
  readonly nodeIsReady: () => boolean;
}

const TICK_MS = 1_000;
/** How long after its own grace an agent that is deleted may still be in cells. */
const LET_GO_MS = 15_000;

/** Keeps agents in cells, and their pods' status the sum of what the cells say, until the signal aborts. */
export async function keepAgents(options: AgentKeeperOptions, signal: AbortSignal): Promise<void> {
  const { book, pods, seating, writer, clock, logger, patienceMs, mayAct, nodeIsReady } = options;
  const startedMs = clock.now();
  let failing = false;
  const unseated = new WeakSet<Cell>();

  /** Whether a cell has the agent, or may have it. */
  function isHeld(uid: string): boolean {
    return [...book.cells()].some((cell) => isServed(cell) && (cell.agents.has(uid) || !cell.agentsKnown));
  }

  async function end(pod: WirePod): Promise<void> {
    const deadlineMs = Date.parse(pod.metadata.deletionTimestamp ?? '') + LET_GO_MS;
    if (isHeld(pod.metadata.uid ?? '') && clock.now() < deadlineMs) return;
    await writer.delete(pod, signal);
  }

  async function write(pod: WirePod, sight: AgentSight): Promise<void> {
    const { tellings, without, required } = seating.tellings(pod.metadata.uid ?? '', sight);
    const nowMs = clock.now();
    // After a start the kubelets have to tell anew, and what was written before holds until they have.
    const isUntold = tellings.some(({ told }) => !told) || [...book.cells()].some(({ agentsKnown }) => !agentsKnown);
    if (isUntold && nowMs - startedMs < patienceMs) return;
    const status = summedStatus(pod, tellings, { nowMs, patienceMs, without, required });
    if (isWritten(pod, status) || !nodeIsReady()) return;
    const after = await writer.patch(pod, () => ({ status }), { signal });
    if (after !== undefined && pods.get(pod.metadata.uid ?? '') !== undefined) pods.observe(after);
  }

  async function tick(): Promise<void> {
    const sight = seating.sight();
    for (const cell of book.cells()) look(cell, sight);
    seating.forgetGone();
    for (const pod of sight.agents) {
      try {
        await (pod.metadata.deletionTimestamp === undefined ? write(pod, sight) : end(pod));
        failing = false;
      } catch (error) {
        if (signal.aborted) return;
        if (!failing)
          logger.warn({ pod: podName(pod), reason: messageOf(error) }, 'an agent can not be written for now');
        failing = true;
      }
    }
  }

  /** What can not be counted on one cell concerns no other. */
  function look(cell: Cell, sight?: AgentSight): void {
    try {
      seating.look(cell, sight);
      unseated.delete(cell);
    } catch (error) {
      if (!unseated.has(cell))
        logger.warn({ cell: cell.cellId, reason: messageOf(error) }, 'a cell gets no agents for now');
      unseated.add(cell);
    }
  }

  const endLooks = book.onChange((cell) => {
    if (mayAct()) look(cell);
  });
  while (!signal.aborted) {
    if (mayAct()) await tick();
    await clock.sleep(TICK_MS, signal).catch(() => undefined);
  }
  endLooks();
}
