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

/**
 * Whether a pod that names a cell is one of the cell's, by what is written on the machine and by what can't change in the
 * pod: it is the one that the machine was launched for, or it has run there, and might. The node cell takes in whoever asks
 * for it; other cells are shared within a namespace alone, with pods that require company. A pod that has not run yet has to
 * find its place again.
 */
export function isEntitled(tags: Pick<CellTags, 'podUid' | 'pod' | 'purpose'>, claim: Claim): boolean {
  if (tags.podUid === claim.uid) return true;
  if (!claim.handedOver) return false;
  if (tags.purpose === NODE_CELL) return true;
  return claim.seeksCompany && namespaceIn(tags.pod) === namespaceIn(claim.pod);
}
