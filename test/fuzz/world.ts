/** A pod on a cell, and what belongs to it. */
export interface Inhabitant {
  readonly namespace: string;
  readonly pod: string;
  readonly podUid: string;
  readonly secret: string;
  readonly configMap: string;
  readonly serviceAccount: string;
  readonly cellId: string;
  /** Of the cell. */
  readonly address: string;
}

/** What a thief of a cell's disk has. */
export interface StolenIdentity {
  readonly caPem: string;
  /** Certificate and key of its kubelet, PEM. */
  readonly pairPem: string;
}

/** What one attacker knows; he is told more of his victims than he could find out. */
export interface World {
  readonly host: string;
  readonly port: number;
  readonly virtualNode: string;
  readonly identity: StolenIdentity;
  readonly own: Inhabitant;
  /** The agent that is on every cell, as it is on this one: its own there, and nobody else's status of it. */
  readonly agent: Inhabitant;
  readonly victims: readonly Inhabitant[];
  /** PEM of certificate requests, as kubelets make them. */
  readonly signingRequests: readonly string[];
  readonly forbidden: ForbiddenWords;
}

/** What must not be in an answer. */
export interface ForbiddenWords {
  /** Values that no request carries: canaries, tokens, in the encodings that they could come in. */
  readonly secrets: readonly string[];
  /** What identifies a victim; an answer may repeat it only to a request that has said it. */
  readonly names: readonly string[];
}
