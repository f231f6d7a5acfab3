import type { Change } from '../../kube/collection.ts';
import { hasCondition } from '../../kube/objects.ts';
import type { WirePod } from '../../kube/wire-pod.ts';

/** True when the pod says that it is Ready and is not on its way out. */
export function isReady(pod: WirePod): boolean {
  return hasCondition(pod, 'Ready') && pod.metadata.deletionTimestamp === undefined;
}

/** When each pod was first seen, and first seen Ready. */
export class PodLog {
  readonly #seenMs = new Map<string, number>();
  readonly #readyMs = new Map<string, number>();

  take({ type, object }: Change<WirePod>, nowMs: number): void {
    const uid = object.metadata.uid ?? '';
    if (type === 'DELETED') return;
    if (!this.#seenMs.has(uid)) this.#seenMs.set(uid, nowMs);
    if (isReady(object) && !this.#readyMs.has(uid)) this.#readyMs.set(uid, nowMs);
  }

  /** How many pods have been Ready. */
  get ready(): number {
    return this.#readyMs.size;
  }

  /** From first seen to Ready, in seconds, shortest first. */
  startSeconds(): readonly number[] {
    const seconds = [...this.#readyMs].map(([uid, ms]) => (ms - (this.#seenMs.get(uid) ?? ms)) / 1000);
    return seconds.map((value) => Number(value.toFixed(2))).sort((a, b) => a - b);
  }
}
