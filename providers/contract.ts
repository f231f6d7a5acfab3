import type { CellBootstrap, CellMachine, CellTags } from '../src/core/cell.ts';
import type { CellClass } from '../src/core/cell-class.ts';
import type { Offering } from '../src/core/offerings.ts';

export interface LaunchRequest {
  readonly tags: CellTags;
  readonly offering: Offering;
  /** Others that will do as well, bought in the same way: a cloud that knows where it has most room may give one of these. */
  readonly alternatives?: readonly Offering[];
  /** What the cell is to be like beyond its offering; docs/cell-classes.md says which provider heeds what. */
  readonly cellClass: CellClass;
  readonly bootstrap: CellBootstrap;
  /** Whole names of images that the machine is to have before its kubelet starts; heeded where the provider `pullsImages`. */
  readonly images?: readonly string[];
  /** False while another process may lead: what is left to write behind the launch waits then, or is left to that one. */
  readonly mayAct?: () => boolean;
}

/** What a machine shows to prove which cell it is, before it has a certificate. */
export interface BootstrapEvidence {
  /** Bearer token of the request. */
  readonly token: string;
  /** SHA-256 of the CSR's public key (SPKI, DER), hex. */
  readonly keyFingerprint: string;
  /** Address that the request came from. */
  readonly remoteAddress: string;
}

export type Attestation =
  | { readonly outcome: 'accepted'; readonly cellId: string }
  /** The token was once good, but another key has used it: somebody holds a copy. */
  | { readonly outcome: 'reused'; readonly cellId: string }
  | { readonly outcome: 'unknown' };

/** What the cloud says is about to befall a machine. */
export interface Interruption {
  readonly cellId: string;
  /** `ends`: it ends, at `endsAtMs` or when the cloud likes. `at-risk`: it may. `changed`: a list tells more. */
  readonly kind: 'ends' | 'at-risk' | 'changed';
  readonly endsAtMs?: number;
  /** In words. */
  readonly reason: string;
}

/** Told of an interruption; says whether that need not be told again, as it is otherwise while there is the machine. */
export type TakeInterruption = (one: Interruption) => boolean;

/** The pod that a warm machine is given to. */
export type Claimant = Pick<CellTags, 'pod' | 'podUid'>;

/**
 * A cloud that cells can be launched in. Implementations keep no state of their own beyond the cloud's:
 * a new instance over the same cloud sees the same cells. Errors are NodelessErrors with the codes
 * InsufficientCapacity, Throttled, Unauthorized, NotFound, InvalidConfig or AmbiguousOutcome.
 */
export interface CellProvider {
  readonly name: string;
  /** It bounds its calls to the cloud itself, and makes one of many: launches and ends are handed to it as they come. */
  readonly isSelfBounded?: boolean;
  /** True where machines pull images before their kubelets start. */
  readonly pullsImages?: boolean;
  /** Checks prerequisites and prepares what all cells share. Safe to repeat. */
  start(signal: AbortSignal): Promise<void>;
  /** Releases what the process holds; cells go on. */
  stop(): Promise<void>;
  offerings(signal: AbortSignal): Promise<readonly Offering[]>;
  /**
   * Launches a machine. Idempotent by `tags.cellId`: a second call finds, or finishes, the first one's machine.
   * Resolves when the cloud has accepted it; the machine registers with the cell API by itself.
   */
  launch(request: LaunchRequest, signal: AbortSignal): Promise<CellMachine>;
  /** Every machine of this cluster and virtual node that has not vanished from the cloud, ended ones included while it tells of them. */
  list(signal: AbortSignal): Promise<readonly CellMachine[]>;
  /** Ends a machine and resolves once the cloud confirms its end. Idempotent; unknown cells are NOT an error. */
  terminate(cellId: string, signal: AbortSignal): Promise<void>;
  /**
   * Writes on a machine that waits in a pool which pod has it from now on, durably, and resolves with the machine as it is
   * then. Idempotent for one pod; rejects with Denied where it is another's, with NotFound where there is no such machine.
   * A provider without it can keep no pools.
   */
  claim?(cellId: string, by: Claimant, signal: AbortSignal): Promise<CellMachine>;
  /**
   * What a machine has written to its console, as it came, or the end of that; empty while the cloud has nothing of it.
   * Rejects with NotFound where there is no such machine. A provider without it shows no consoles.
   */
  console?(cellId: string, signal: AbortSignal): Promise<string>;
  /**
   * Stops a machine that waits in a pool: nothing runs on it any more, and what is on its disk stays. Resolves with the machine
   * once the cloud says that it is stopped. Idempotent; rejects with NotFound where there is none that could be. A provider has
   * both this and `startMachine`, or neither: then its pools have no stopped tier.
   */
  stopMachine?(cellId: string, signal: AbortSignal): Promise<CellMachine>;
  /**
   * Starts a machine again that was stopped, under the same id and address; resolves with it when the cloud has accepted, and
   * its kubelet comes back by itself. Idempotent; rejects with NotFound where there is none that could be.
   */
  startMachine?(cellId: string, signal: AbortSignal): Promise<CellMachine>;
  /** Tells what the cloud is about to do to machines until the signal aborts, each thing at least once. Absent where it gives no notice. */
  interruptions?(take: TakeInterruption, signal: AbortSignal): void;
  /** Settles which cell a bootstrapping machine is; the first key that uses a token is recorded durably. */
  attest(evidence: BootstrapEvidence, signal: AbortSignal): Promise<Attestation>;
  /** Rejects with a NodelessError when the cloud can't be used now. */
  health(signal: AbortSignal): Promise<void>;
}
