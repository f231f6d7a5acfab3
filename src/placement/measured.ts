import type { Offering } from '../core/offerings.ts';
import type { Resources } from '../core/resources.ts';

type Measure = Pick<Resources, 'cpuMilli' | 'memoryBytes'>;

/** A report of less than this share is no measure of a machine, but a kubelet that is not itself. */
const LEAST_SHARE = 0.75;

/** What a machine has does not depend on how it is bought, nor on its zone. */
function typeOf({ instanceType, arch }: Offering): string {
  return `${instanceType}/${arch}`;
}

function lesser(a: Measure, b: Measure): Measure {
  return { cpuMilli: Math.min(a.cpuMilli, b.cpuMilli), memoryBytes: Math.min(a.memoryBytes, b.memoryBytes) };
}

/**
 * What the system and the kubelet of each instance type leave to pods, learned from the machines: what was offered is an
 * estimate, and a pod that is sized by one that is too high would wait for a machine that never covers it.
 */
export class Measured {
  readonly #byType = new Map<string, Measure>();

  /** Takes note of what a kubelet reports; true when it is less than was known. */
  note(offering: Offering, reported: Resources): boolean {
    const { cpuMilli, memoryBytes } = offering.allocatable;
    if (reported.cpuMilli < cpuMilli * LEAST_SHARE || reported.memoryBytes < memoryBytes * LEAST_SHARE) return false;
    const known = this.#byType.get(typeOf(offering)) ?? offering.allocatable;
    const least = lesser(known, reported);
    if (least.cpuMilli === known.cpuMilli && least.memoryBytes === known.memoryBytes) return false;
    this.#byType.set(typeOf(offering), least);
    return true;
  }

  /** The offering with what machines of its type really have. */
  correct(offering: Offering): Offering {
    const known = this.#byType.get(typeOf(offering));
    if (known === undefined) return offering;
    return { ...offering, allocatable: { ...offering.allocatable, ...lesser(known, offering.allocatable) } };
  }
}
