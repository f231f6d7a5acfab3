import { scopeIn } from '../core/capacity-scope.ts';
import type { CellClassSpec } from '../core/cell-class.ts';
import type { Clock } from '../core/clock.ts';
import { isNodelessError, isRefusal, NodelessError } from '../core/errors.ts';
import type { Resources } from '../core/resources.ts';
import { withRootVolume } from '../core/root-volume.ts';
import { Capacity, type Chosen } from './capacity.ts';
import type { CanBeHad } from './choose.ts';
import { Measured } from './measured.ts';
import type { Correct } from './offering-table.ts';

/** What launches, and the machines that came of them, have taught of offerings. */
export class Experience {
  readonly #clock: Clock;
  readonly #capacity: Capacity;
  readonly #measured: Measured;
  readonly #onMeasured: (spec: CellClassSpec) => void;
  #lastLaunchMs: number | undefined;

  /** @param onMeasured told when `correct` says less of a class's offerings than before */
  constructor(clock: Clock, onMeasured: (spec: CellClassSpec) => void) {
    this.#clock = clock;
    this.#capacity = new Capacity(clock);
    this.#measured = new Measured(clock);
    this.#onMeasured = onMeasured;
  }

  /** An offering with what its machines really have in a class. */
  readonly correct: Correct = (offering, spec) => this.#measured.correct(withRootVolume(offering, spec), spec);

  /** When the cloud accepted a launch last; undefined before the first. */
  get lastLaunchMs(): number | undefined {
    return this.#lastLaunchMs;
  }

  /** Why nothing is launched for a class now, whatever it is. */
  refusalOf(spec: CellClassSpec): NodelessError | undefined {
    return this.#capacity.refusalOf(spec);
  }

  /** Tells for this moment which offerings can be had by a class; without one, leaves out what is a class's own doing. */
  now(spec?: CellClassSpec): CanBeHad {
    return this.#capacity.now(spec);
  }

  /** Why what was chosen a while ago is not worth asking for any more. */
  obstacleTo({ offering, cellClass }: Chosen): NodelessError | undefined {
    const isBarred = this.#capacity.refusalOf(cellClass.spec) !== undefined;
    if (!isBarred && this.#capacity.now(cellClass.spec)({ offering })) return undefined;
    const { instanceType, launchType, zone } = offering;
    const message = `${instanceType} (${launchType}) in ${zone} was not asked for: another launch has failed meanwhile`;
    return new NodelessError({ code: 'InsufficientCapacity', message, retryable: true, identity: { unasked: 1 } });
  }

  /** A launch failed: what lacks, or is refused, is left out for a while that grows with each failure. Of other errors nothing is learned. */
  launchFailed(chosen: Chosen, error: unknown): void {
    if (isNodelessError(error) && error.identity.unasked === 1) return;
    if (isNodelessError(error, 'InsufficientCapacity')) {
      const { offering, alternatives = [] } = chosen;
      const scope = scopeIn(error.identity);
      this.#capacity.exhausted(offering, scope);
      // None of them was to be had either.
      for (const other of alternatives) this.#capacity.exhausted(other);
    } else if (isRefusal(error)) this.#capacity.refused(chosen, error);
  }

  /** A launch went well. */
  succeeded(chosen: Chosen): void {
    this.#capacity.succeeded(chosen);
    this.#lastLaunchMs = this.#clock.now();
  }

  /**
   * A machine came and no kubelet did: that may be the class's image or settings, so it is left out for that class alone. Where the
   * cloud says why it ended, all that this is about.
   */
  failedToBoot(chosen: Chosen, error?: NodelessError): void {
    this.#capacity.failedToBoot(chosen, error);
  }

  /** A kubelet has come. */
  booted(chosen: Chosen): void {
    this.#capacity.booted(chosen);
  }

  /**
   * A machine's kubelet says what it can give: less than was offered is remembered for machines of the type in the class.
   * @returns whether that was news
   */
  measured({ offering, cellClass }: Chosen, allocatable: Resources): boolean {
    const isNews = this.#measured.note(offering, cellClass.spec, allocatable);
    if (isNews) this.#onMeasured(cellClass.spec);
    return isNews;
  }
}
