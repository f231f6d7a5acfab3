import type { Book } from '../cells/book.ts';
import { type Cell, isServed } from '../cells/cell.ts';
import { INJECTED } from '../core/agent-record.ts';
import { AGENT_REQUIRED_ANNOTATION } from '../core/names.ts';
import type { EventRecorder } from '../kube/events.ts';
import type { WirePod } from '../kube/wire-pod.ts';
import type { AgentGate } from './agent-gate.ts';
import type { Outcome } from './outcome.ts';
import { injectedPatch, type PodWriter } from './status.ts';

export interface AgentStepsOptions {
  readonly book: Book;
  readonly agents: AgentGate;
  readonly writer: PodWriter;
  readonly events: EventRecorder;
}

/** How soon it is looked again whether agents are required still; a change of theirs on the cell is looked at when it comes. */
const AGENT_LOOK_MS = 2_000;

/** The steps of pods that are to be in every cell, and of those that wait for them. */
export class AgentSteps {
  readonly #options: AgentStepsOptions;
  /** Uids of the pods that were told which agents they wait for. */
  readonly #told = new Set<string>();

  constructor(options: AgentStepsOptions) {
    this.#options = options;
  }

  /** Drops what is remembered of a pod that is gone. */
  forget(uid: string): void {
    this.#told.delete(uid);
  }

  /** Makes a pod an agent, durably. */
  async inject(pod: WirePod, signal: AbortSignal): Promise<Outcome> {
    const { writer, events, book } = this.#options;
    const message = 'an agent: it is in every cell that has room for it';
    const hasCells = [...book.cells()].some(isServed);
    const patched = await writer.patch(pod, (now) => injectedPatch(message, !hasCells, now), {
      exclusive: true,
      signal,
    });
    if (patched !== undefined) events.normal(pod, INJECTED, message);
    return { pod: patched };
  }

  /** The pod waits for agents, and is told so once when that takes long. */
  awaitAgents(pod: WirePod, cell: Cell, isLate: boolean): Outcome {
    const { book, agents, events } = this.#options;
    if (cell.phase !== 'running') book.enter(cell, 'ready');
    const { uid = '' } = pod.metadata;
    if (isLate && !this.#told.has(uid)) {
      this.#told.add(uid);
      const { cellId } = cell;
      const awaited = agents.awaitedOn(cell).join(', ');
      const message = `${cellId} is there, but not its required agents: ${awaited}; \`nodeless cells logs ${cellId} AGENT\` tells more, and without ${AGENT_REQUIRED_ANNOTATION} on the DaemonSet the pod does not wait`;
      events.warning(pod, 'AgentNotReady', message);
    }
    return { againMs: AGENT_LOOK_MS };
  }
}
