import type { CellClassSpec } from '../core/cell-class.ts';
import { labelsOf } from '../core/constraints.ts';
import { byPrice, countedOf, type LaunchType, type Offering } from '../core/offerings.ts';
import type { Resources } from '../core/resources.ts';
import { allowanceOf } from './allowance.ts';
import { count, type ExclusionCounts } from './exclusion.ts';
import { Refusals } from './refusals.ts';

/** One offering, with what is asked of it over and over. */
export interface Entry {
  readonly offering: Offering;
  /** What a pod may count on, see `countedOf`. */
  readonly counted: Resources;
  readonly labels: Readonly<Record<string, string>>;
}

/** The offerings that a class leaves over. */
export interface ClassOfferings {
  /** By the class's preference of launch types, then by price: the first that fits is the one. */
  readonly entries: readonly Entry[];
  readonly excluded: ExclusionCounts;
  readonly architectures: ReadonlySet<string>;
  readonly refusals: Refusals;
}

function rankOf(preferred: readonly LaunchType[], { launchType }: Offering): number {
  const rank = preferred.indexOf(launchType);
  return rank === -1 ? preferred.length : rank;
}

/** An offering as it is in a class, dearer or cheaper by the same for all; the same object where that changes nothing. */
export type Correct = (offering: Offering, spec: CellClassSpec) => Offering;

function entryOf(offering: Offering): Entry {
  return { offering, counted: countedOf(offering), labels: labelsOf(offering) };
}

function leftBy(spec: CellClassSpec, all: readonly Entry[], correct: Correct): ClassOfferings {
  const { preferred = [] } = spec.launchTypes;
  const exclusionOf = allowanceOf(spec);
  const excluded: ExclusionCounts = {};
  const left = all.filter(({ offering }) => {
    const exclusion = exclusionOf(offering);
    if (exclusion !== undefined) count(excluded, exclusion);
    return exclusion === undefined;
  });
  // Sorting is stable, so within a rank the order by price stays.
  const ranked = left
    .toSorted((a, b) => rankOf(preferred, a.offering) - rankOf(preferred, b.offering))
    .map((entry) => {
      const corrected = correct(entry.offering, spec);
      return corrected === entry.offering ? entry : entryOf(corrected);
    });
  const architectures = new Set(left.map(({ offering }) => offering.arch));
  return { entries: ranked, excluded, architectures, refusals: new Refusals() };
}

/** All offerings as they were at one time, sorted once, so that a pod's choice is one pass to the first that fits. */
export class OfferingTable {
  readonly #entries: readonly Entry[];
  /** CPU that machines give without end, by instance type, of those that are burstable. */
  readonly #baselines = new Map<string, number>();
  readonly #byClass = new WeakMap<CellClassSpec, ClassOfferings>();
  readonly #correct: Correct;

  constructor(offerings: readonly Offering[], correct: Correct = (offering) => offering) {
    this.#correct = correct;
    for (const { instanceType, baselineCpuMilli } of offerings) {
      if (baselineCpuMilli !== undefined) this.#baselines.set(instanceType, baselineCpuMilli);
    }
    this.#entries = offerings.toSorted(byPrice).map(entryOf);
  }

  /** All of them, the cheapest first. */
  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** CPU that pods on a machine of this type may count on; undefined where that is all it has. */
  baselineCpuMilli(instanceType: string): number | undefined {
    return this.#baselines.get(instanceType);
  }

  ofClass(spec: CellClassSpec): ClassOfferings {
    const known = this.#byClass.get(spec) ?? leftBy(spec, this.#entries, this.#correct);
    this.#byClass.set(spec, known);
    return known;
  }

  /** What is known of the offerings of a class has changed. */
  renew(spec: CellClassSpec): void {
    this.#byClass.delete(spec);
  }
}
