import type { WirePod } from '../kube/wire-pod.ts';

/** What a step has led to. */
export interface Outcome {
  /** The pod as a write has left it; undefined when nothing was written, or the pod is gone. */
  readonly pod?: WirePod | undefined;
  /** Look again after so long. */
  readonly againMs?: number;
}
