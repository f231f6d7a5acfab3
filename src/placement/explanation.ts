import type { NodelessError } from '../core/errors.ts';
import type { Offering } from '../core/offerings.ts';
import { describeResources, resourceListOf } from '../core/resources.ts';
import type { Pick, Survey } from './choose.ts';
import { describeExclusions, EXCLUSIONS, type Exclusion } from './exclusion.ts';
import type { Entry } from './offering-table.ts';
import type { Query } from './query.ts';
import { describeConstraints, ofClass } from './refusal.ts';

/** One offering as people and programs are shown it. */
export interface OfferingRow {
  readonly instanceType: string;
  readonly launchType: string;
  readonly zone: string;
  readonly arch: string;
  readonly allocatable: Readonly<Record<string, string>>;
  readonly pricePerHourUsd: number;
  /** Absent where the price is the cloud's own. */
  readonly isPriceEstimated?: boolean;
}

/** A pod's choice as data: what events, `nodeless plan` and `nodeless why` tell is made of it. */
export interface Explanation {
  readonly cellClass: string;
  /** What the cell must have allocatable. */
  readonly need: Readonly<Record<string, string>>;
  /** What the pod asks of its machine, in words. */
  readonly constraints: readonly string[];
  readonly chosen?: OfferingRow;
  /** One sentence: why this one, or why none. */
  readonly why: string;
  /** Code of the error where none is chosen. */
  readonly refused?: string;
  /** The best of what will do, the chosen one first, and how many there are. */
  readonly candidates: readonly OfferingRow[];
  readonly candidateCount: number;
  readonly exclusions: readonly { readonly reason: Exclusion; readonly meaning: string; readonly count: number }[];
}

/** Candidates that are shown; nobody reads more. */
const SHOWN_CANDIDATES = 10;

/** What explains that something cheaper was not taken; that something was too small needs no words. */
const TOLD: Exclusion[] = ['Unavailable', 'Budget'];

function priceOf({ pricePerHourUsd, isPriceEstimated }: Offering): string {
  return `$${pricePerHourUsd.toFixed(4)}/h${isPriceEstimated === true ? ' estimated' : ''}`;
}

/** Why an offering was chosen, in a sentence. */
export function describeChoice(query: Query, entry: Entry, { isPreferred, passed }: Omit<Pick, 'entry'>): string {
  const { offering, counted } = entry;
  const which = isPreferred ? 'the cheapest of the most preferred offerings' : 'the cheapest offering';
  const asked = describeConstraints(query.constraints);
  const what = asked.length === 0 ? '' : ` and is ${asked.join(' and ')}`;
  const before = describeExclusions(passed, TOLD);
  const size = `${describeResources(counted)}, ${priceOf(offering)}`;
  const choice = `${offering.instanceType} (${size}) is ${which}${ofClass(query)} that fits ${describeResources(query.need)}${what}`;
  return before === '' ? choice : `${choice}; passed over: ${before}`;
}

export function rowOf({ offering, counted }: Entry): OfferingRow {
  const { instanceType, launchType, zone, arch, pricePerHourUsd, isPriceEstimated } = offering;
  const estimated = isPriceEstimated === true ? { isPriceEstimated } : {};
  const allocatable = resourceListOf(counted);
  return { instanceType, launchType, zone, arch, allocatable, pricePerHourUsd, ...estimated };
}

/** Puts together what `plan` shows of a pod. */
export function explain(query: Query, chosen: Pick, found: Survey, refused: NodelessError | undefined): Explanation {
  const { entry } = chosen;
  const counts = Object.entries(found.exclusions) as [Exclusion, number][];
  return {
    cellClass: query.cellClass.name,
    need: resourceListOf(query.need),
    constraints: describeConstraints(query.constraints),
    ...(entry === undefined ? {} : { chosen: rowOf(entry) }),
    why: entry === undefined ? (refused?.message ?? '') : describeChoice(query, entry, chosen),
    ...(refused === undefined ? {} : { refused: refused.code }),
    candidates: found.candidates.slice(0, SHOWN_CANDIDATES).map(rowOf),
    candidateCount: found.candidates.length,
    exclusions: counts.map(([reason, count]) => ({ reason, meaning: EXCLUSIONS[reason], count })),
  };
}
