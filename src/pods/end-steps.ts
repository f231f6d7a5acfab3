import type { Cell } from '../cells/cell.ts';
import type { Fleet } from '../cells/fleet.ts';
import type { EventRecorder } from '../kube/events.ts';
import type { WirePod } from '../kube/wire-pod.ts';
import type { Outcome } from './outcome.ts';
import { viewOf } from './pod-view.ts';
import { dismissedPatch, endedPatch, lostPatch, type PodWriter } from './status.ts';

export interface EndStepsOptions {
  readonly fleet: Fleet;
  readonly writer: PodWriter;
  readonly events: EventRecorder;
}

/** The steps by which pods end whose kubelet does not end them. */
export class EndSteps {
  readonly #options: EndStepsOptions;

  constructor(options: EndStepsOptions) {
    this.#options = options;
  }

  /** The pod needs its cell no more; the cell ends unless others do. */
  leave(cell: Cell, podUid: string, reason: string): void {
    this.#options.fleet.release(cell, podUid, { reason, podIsGone: true });
  }

  /** A finalizer keeps a deleted pod, and who waits for its end looks at its phase: so it becomes Failed first. */
  async deletePod(pod: WirePod, cell: Cell | undefined, signal: AbortSignal): Promise<Outcome> {
    const { writer } = this.#options;
    if (!viewOf(pod).finished) {
      const { handedOver, cellId, uid, absorbed } = viewOf(pod);
      const ran = cell === undefined ? handedOver : cell.members.get(uid)?.handedOver === true;
      const build = (nowMs: number) => {
        if (absorbed) return dismissedPatch();
        return ran
          ? lostPatch(pod, `cell ${cellId} is lost: ${cell?.reason ?? 'its machine ended'}`, nowMs)
          : endedPatch('the pod was deleted before a cell was ready for it', nowMs);
      };
      await writer.patch(pod, build, { signal });
    }
    await writer.delete(pod, signal);
    if (cell !== undefined) this.leave(cell, viewOf(pod).uid, 'its pod is deleted');
    return {};
  }

  /** What has lost its cell, and can't have another, has failed. */
  async fail(pod: WirePod, cell: Cell | undefined, reason: string, signal: AbortSignal): Promise<Outcome> {
    const { writer, events } = this.#options;
    const message = `cell ${viewOf(pod).cellId} is lost: ${reason}`;
    const patched = await writer.patch(pod, (now) => lostPatch(pod, message, now), { signal });
    events.warning(pod, 'CellLost', message);
    if (cell !== undefined) this.leave(cell, viewOf(pod).uid, reason);
    return { pod: patched };
  }
}
