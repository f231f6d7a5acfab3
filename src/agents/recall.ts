import PQueue from 'p-queue';
import type { Cell } from '../cells/cell.ts';
import type { Clock } from '../core/clock.ts';

export interface AgentRecallOptions {
  /** The uids of the pods that a cell's kubelet has; undefined when it does not answer. */
  readonly podUidsOn: (cell: Cell, signal: AbortSignal) => Promise<ReadonlySet<string> | undefined>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** The uids of the pods that a kubelet has, unless that is to be told yet, or is not told at all. */
type Recalled = ReadonlySet<string> | 'awaited' | 'silent';

/** Kubelets that are asked at once. */
const CONCURRENCY = 16;
const AGAIN_MS = 1_000;

/** Asks the kubelets of cells that are found after a restart what they have, each once, and once more where it is silent. */
export class AgentRecall {
  readonly #options: AgentRecallOptions;
  readonly #queue = new PQueue({ concurrency: CONCURRENCY });
  readonly #known = new WeakMap<Cell, Recalled>();

  constructor(options: AgentRecallOptions) {
    this.#options = options;
  }

  /** What a cell's kubelet has, as far as that is known now; the first call begins to ask. */
  podsOf(cell: Cell): Recalled {
    const known = this.#known.get(cell);
    if (known !== undefined) return known;
    this.#known.set(cell, 'awaited');
    void this.#queue.add(() => this.#ask(cell));
    return 'awaited';
  }

  async #ask(cell: Cell): Promise<void> {
    const { podUidsOn, clock, signal } = this.#options;
    const once = () => podUidsOn(cell, signal).catch(() => undefined);
    const again = async () => {
      await clock.sleep(AGAIN_MS, signal).catch(() => undefined);
      return once();
    };
    this.#known.set(cell, (await once()) ?? (await again()) ?? 'silent');
  }
}
