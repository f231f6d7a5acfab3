import type { CellClassSpec } from '../core/cell-class.ts';
import type { Clock } from '../core/clock.ts';
import type { Offering } from '../core/offerings.ts';
import type { Resources } from '../core/resources.ts';

type Amounts = Pick<Resources, 'cpuMilli' | 'memoryBytes'>;

interface Measure extends Amounts {
  /** What its machines were offered as, by which reports are believed; else each would bear a lower one. */
  readonly offered: Amounts;
  readonly atMs: number;
}

/** A report of less than this share is no measure of a machine, but a kubelet that is not itself. */
const LEAST_SHARE = 0.75;
/** So long it is believed: images and agents are renewed, and one machine's word is not for ever. */
const BELIEVED_MS = 6 * 3_600_000;

/** What a machine has does not depend on how it is bought, nor on its zone. */
function typeOf({ instanceType, arch }: Offering): string {
  return `${instanceType}/${arch}`;
}

/**
 * What the system and the kubelet of each instance type leave to pods, learned from the machines: what was offered is an
 * estimate, and a pod that is sized by one that is too high would wait for a machine that never covers it. Learned for each
 * class by itself: its image and settings take their share, and what its pods make of their machines is no other's concern.
 * A class that is changed begins anew.
 */
export class Measured {
  readonly #clock: Clock;
  readonly #byClass = new WeakMap<CellClassSpec, Map<string, Measure>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes note of what a kubelet reports; true when it is less than was known. */
  note(offering: Offering, spec: CellClassSpec, reported: Resources): boolean {
    const measures = this.#byClass.get(spec) ?? new Map<string, Measure>();
    const { offered } = measures.get(typeOf(offering)) ?? { offered: offering.allocatable };
    const isTooLittle = (of: number, least: number) => of < least * LEAST_SHARE;
    if (isTooLittle(reported.cpuMilli, offered.cpuMilli)) return false;
    if (isTooLittle(reported.memoryBytes, offered.memoryBytes)) return false;
    const known = this.correct(offering, spec).allocatable;
    if (reported.cpuMilli >= known.cpuMilli && reported.memoryBytes >= known.memoryBytes) return false;
    this.#byClass.set(spec, measures);
    measures.set(typeOf(offering), {
      offered,
      cpuMilli: Math.min(known.cpuMilli, reported.cpuMilli),
      memoryBytes: Math.min(known.memoryBytes, reported.memoryBytes),
      atMs: this.#clock.now(),
    });
    return true;
  }

  /** The offering with what machines of its type really have in the class. */
  correct(offering: Offering, spec: CellClassSpec): Offering {
    const known = this.#byClass.get(spec)?.get(typeOf(offering));
    if (known === undefined || this.#clock.now() - known.atMs > BELIEVED_MS) return offering;
    const { allocatable } = offering;
    const cpuMilli = Math.min(known.cpuMilli, allocatable.cpuMilli);
    const memoryBytes = Math.min(known.memoryBytes, allocatable.memoryBytes);
    return { ...offering, allocatable: { ...allocatable, cpuMilli, memoryBytes } };
  }
}
