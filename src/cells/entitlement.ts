import { type CellTags, NODE_CELL } from '../core/cell.ts';
import { namespaceIn } from '../kube/wire-pod.ts';

/** What a pod that names a cell shows for it. */
export interface Claim {
  readonly uid: string;
  /** `namespace/name`. */
  readonly pod: string;
  /** It was shown to the cell, as its condition tells. */
  readonly handedOver: boolean;
  /** Its spec requires others on its host. */
  readonly seeksCompany: boolean;
}

/** Whether a machine waits in a pool, as far as is written on it. */
export function isUnclaimed({ pool, podUid }: Pick<CellTags, 'podUid' | 'pool'>): boolean {
  return pool !== undefined && podUid === '';
}

/**
 * Whether a pod that names a cell is one of the cell's, by what is written on the machine and by what can't change in the
 * pod: it is the one that the machine was launched for, or it has run there, and might. The node cell takes in whoever asks
 * for it; other cells are shared within a namespace alone, with pods that require company. A pod that has not run yet has to
 * find its place again.
 */
export function isEntitled(tags: Pick<CellTags, 'podUid' | 'pod' | 'purpose' | 'pool'>, claim: Claim): boolean {
  if (tags.podUid === claim.uid) return true;
  if (!claim.handedOver) return false;
  // A pod is shown to a warm cell only after it is written there: a list that lacks that lags.
  if (isUnclaimed(tags)) return true;
  if (tags.purpose === NODE_CELL) return true;
  return claim.seeksCompany && namespaceIn(tags.pod) === namespaceIn(claim.pod);
}
