import { type CapacityScope, scopeIn } from '../core/capacity-scope.ts';
import type { CellClass, CellClassSpec } from '../core/cell-class.ts';
import type { Clock } from '../core/clock.ts';
import { isRefusal, type NodelessError } from '../core/errors.ts';
import type { Offering } from '../core/offerings.ts';
import type { Entry } from './offering-table.ts';
import { Pauses } from './pauses.ts';

/** What a cell is launched as. */
export interface Chosen {
  readonly offering: Offering;
  /** What may be had instead, as the cloud chooses. */
  readonly alternatives?: readonly Offering[] | undefined;
  readonly cellClass: CellClass;
}

const LACK_MS = { minMs: 5_000, maxMs: 180_000 };
/** What the cloud refuses is mended by people. Longer than the pause of a class, so that others are tried after that. */
const REFUSED_MS = { minMs: 60_000, maxMs: 1_800_000 };
const CLASS_MS = { minMs: 5_000, maxMs: 300_000 };
/** Refusals of so many different offerings, and no success, are the class's own. */
const MANY_REFUSALS = 5;

/** What may be a class's own doing. */
interface OfClass {
  readonly unbooted: Pauses;
  readonly refused: Pauses;
  /** Of the whole class: by refusals, and by what became of machines, which only one that comes takes back. */
  readonly barred: Pauses;
  readonly doomed: Pauses;
  refusals: number;
  last?: NodelessError;
}

/**
 * Remembers what could not be had, for a while that grows with each failure after it: for all classes what the cloud lacks,
 * and for one class what is refused for it, or does not boot. A class that is changed begins anew.
 */
export class Capacity {
  readonly #clock: Clock;
  readonly #lacking: Pauses;
  readonly #byClass = new WeakMap<CellClassSpec, OfClass>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lacking = new Pauses({ clock, ...LACK_MS });
  }

  /** The cloud lacks the offering, and all that the scope has in common with it. */
  exhausted(offering: Offering, scope: CapacityScope = 'offering'): void {
    this.#lacking.begin(offering, scope);
  }

  /** The cloud refuses to launch the offering for the class; where the error tells no scope, all of the class. */
  refused({ offering, cellClass }: Chosen, error: NodelessError): void {
    const known = this.#of(cellClass.spec);
    const scope = scopeIn(error.identity) ?? 'account';
    known.last = error;
    if (scope !== 'account' && known.refused.begin(offering, scope)) known.refusals += 1;
    if (scope === 'account' || known.refusals >= MANY_REFUSALS) known.barred.begin(offering, 'account');
  }

  /** The cloud has accepted a launch. */
  succeeded({ offering, cellClass }: Chosen): void {
    this.#lacking.end(offering);
    const known = this.#byClass.get(cellClass.spec);
    known?.refused.end(offering);
    known?.barred.end(offering);
    if (known !== undefined) known.refusals = 0;
  }

  /** A machine came and no kubelet did; the error is what the cloud says of that. */
  failedToBoot({ offering, cellClass }: Chosen, error?: NodelessError): void {
    const known = this.#of(cellClass.spec);
    const scope = scopeIn(error?.identity ?? {}) ?? 'offering';
    if (isRefusal(error)) {
      known.last = error;
      known.doomed.begin(offering, 'account');
    } else known.unbooted.begin(offering, scope);
  }

  booted({ offering, cellClass }: Chosen): void {
    const known = this.#byClass.get(cellClass.spec);
    known?.unbooted.end(offering);
    known?.doomed.end(offering);
  }

  /** Why nothing is launched for a class now, whatever it is. */
  refusalOf(spec: CellClassSpec): NodelessError | undefined {
    const known = this.#byClass.get(spec);
    const isHeld = known !== undefined && [known.barred, known.doomed].some((pauses) => pauses.now() !== undefined);
    return isHeld ? known.last : undefined;
  }

  /** Tells for this moment which offerings can be had by a class; without one, leaves out what is a class's own doing. */
  now(spec?: CellClassSpec): (entry: Pick<Entry, 'offering'>) => boolean {
    const own = spec === undefined ? undefined : this.#byClass.get(spec);
    const held = [this.#lacking, own?.unbooted, own?.refused].flatMap((pauses) => pauses?.now() ?? []);
    return ({ offering }) => offering.available && !held.some((isHeld) => isHeld(offering));
  }

  #of(spec: CellClassSpec): OfClass {
    const clock = this.#clock;
    const known = this.#byClass.get(spec) ?? {
      unbooted: new Pauses({ clock, ...LACK_MS }),
      refused: new Pauses({ clock, ...REFUSED_MS }),
      barred: new Pauses({ clock, ...CLASS_MS }),
      doomed: new Pauses({ clock, ...CLASS_MS }),
      refusals: 0,
    };
    this.#byClass.set(spec, known);
    return known;
  }
}
