import type { Cell } from '../cells/cell.ts';
import { isNodelessError, type NodelessError } from '../core/errors.ts';
import { SetsByKey } from '../core/sets-by-key.ts';
import type { EventRecorder } from '../kube/events.ts';
import { namespaceIn, type WirePod } from '../kube/wire-pod.ts';
import type { Outcome } from './outcome.ts';
import { viewOf } from './pod-view.ts';
import { type PodWriter, waitingPatch } from './status.ts';

/** How long a pod waits that nothing offered can take, unless it changes before. */
const NO_OFFERING_RETRY_MS = 30_000;
const NO_CAPACITY_RETRY_MS = 5_000;
/** Pods that may try again when a budget has room: the first may ask for more than there is, the next for less. */
const WOKEN_BY_BUDGET = 4;

const WAITING_CODES = [
  'AgentDenied',
  'BudgetExceeded',
  'ConfigInvalid',
  'InsufficientCapacity',
  'InvalidConfig',
  'InvalidQuantity',
  'NoCellClass',
  'NoOffering',
  'NoRoom',
  'NotEnforced',
  'NotFound',
  'Unauthorized',
];

/** Whose cells the pods of the node cell look at; no namespace can have that name. */
export const NODE_CELL_KEY = '#node-cell';

/** True for a reason to wait that the pod is told, and not for a failure. */
export function isReasonToWait(error: unknown): error is NodelessError {
  return isNodelessError(error) && WAITING_CODES.includes(error.code);
}

/** Which class's budget a pod waits for; undefined where it is no budget that it waits for. */
export function awaitedBudget({ code, identity: { cellClass } = {} }: NodelessError): string | undefined {
  return code === 'BudgetExceeded' && typeof cellClass === 'string' ? cellClass : undefined;
}

export interface WaitingOptions {
  readonly writer: PodWriter;
  readonly events: EventRecorder;
  /** Whose cells a pod looks for a place on; undefined for one that gets a cell of its own. */
  readonly sharingKey: (pod: WirePod) => string | undefined;
}

/** The pods that can have no cell now, and what each was told. */
export class Waiting {
  readonly #options: WaitingOptions;
  /** The last reason told of each pod, so that a retry does not tell it again. */
  readonly #told = new Map<string, string>();
  /** Pods that wait for a place on a cell that is shared, by whose it is. */
  readonly #waiters = new SetsByKey();
  readonly #keys = new Map<string, string>();
  /** Pods that wait for the budget of a class, by its name, and the class of each. */
  readonly #ofBudget = new SetsByKey();
  readonly #budgets = new Map<string, string>();

  constructor(options: WaitingOptions) {
    this.#options = options;
  }

  /** The pods that wait and have been told why. */
  uids(): Iterable<string> {
    return this.#told.keys();
  }

  /** Tells once why the pod has to wait, and takes a cell id from it that no machine will come under. */
  async wait(pod: WirePod, error: NodelessError, signal: AbortSignal): Promise<Outcome> {
    const { writer, events, sharingKey } = this.#options;
    const uid = pod.metadata.uid ?? '';
    const key = sharingKey(pod);
    if (key !== undefined) {
      this.#keys.set(uid, key);
      this.#waiters.add(key, uid);
    }
    this.#waitForBudget(uid, awaitedBudget(error));
    // A budget tells when there is room.
    const isAwaited = error.retryable && !this.#budgets.has(uid);
    const againMs = isAwaited ? NO_CAPACITY_RETRY_MS : NO_OFFERING_RETRY_MS;
    if (this.#told.get(uid) === error.message && viewOf(pod).cellId === undefined) return { againMs };
    const patched = await writer.patch(pod, (now) => waitingPatch(error.code, error.message, now), { signal });
    if (this.#told.get(uid) !== error.message) events.warning(pod, error.code, error.message);
    this.#told.set(uid, error.message);
    return { pod: patched, againMs };
  }

  /** A pod waits no more: it has a cell, or is gone. */
  forget(pod: WirePod): void {
    const { uid = '' } = pod.metadata;
    this.#told.delete(uid);
    this.#waiters.delete(this.#keys.get(uid) ?? '', uid);
    this.#keys.delete(uid);
    this.#forgetBudget(uid);
  }

  /** A few of the pods that may have a cell now that the budget of a class has room; others the next time. */
  nextOfBudget(className: string): readonly string[] {
    return this.#ofBudget.next(className, WOKEN_BY_BUDGET);
  }

  /** Whether a pod waits for the budget of a class. */
  isBudgetAwaited(className: string): boolean {
    return this.#ofBudget.has(className);
  }

  #waitForBudget(uid: string, className: string | undefined): void {
    if (this.#budgets.get(uid) === className) return;
    this.#forgetBudget(uid);
    if (className === undefined) return;
    this.#budgets.set(uid, className);
    this.#ofBudget.add(className, uid);
  }

  #forgetBudget(uid: string): void {
    this.#ofBudget.delete(this.#budgets.get(uid) ?? '', uid);
    this.#budgets.delete(uid);
  }

  /** The pods that may find a place now that a cell has changed. */
  waitersFor(cell: Cell): readonly string[] {
    return this.#waiters.values(cell.purpose === undefined ? namespaceIn(cell.pod) : NODE_CELL_KEY);
  }
}
