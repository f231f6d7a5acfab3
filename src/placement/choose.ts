import { admits, preferenceOf } from '../core/constraints.ts';
import { covers } from '../core/resources.ts';
import { count, type Exclusion, type ExclusionCounts } from './exclusion.ts';
import type { ClassOfferings, Entry } from './offering-table.ts';
import { namesArchitecture, type Query } from './query.ts';

/** What is known of an offering beside itself: whether it can be had now. */
export type CanBeHad = (entry: Entry) => boolean;

export interface Pick {
  /** What was chosen; undefined when nothing will do now. */
  readonly entry?: Entry;
  /** Whether it was chosen before cheaper ones that fit as well, by a preference of the pod or its class. */
  readonly isPreferred: boolean;
  /** What was large enough and looked at before, and left out. */
  readonly passed: ExclusionCounts;
}

/** Every offering that will do, and why each other will not. */
export interface Survey {
  /** The most preferred first, then the cheapest; the first is what is chosen. */
  readonly candidates: readonly Entry[];
  readonly exclusions: ExclusionCounts;
  /** What the pod and its class allow, but is too small. */
  readonly tooSmall: readonly Entry[];
}

type Judge = (entry: Entry) => Exclusion | undefined;

/** Says why an offering of the class is not for the pod; undefined when it is. */
export function judgeOf(query: Query, { architectures }: ClassOfferings, canBeHad: CanBeHad): Judge {
  const { need, constraints, arch, room, onlyOwnArch = !namesArchitecture(constraints) } = query;
  // A class whose offerings are all of another architecture means it so.
  const onlyOwn = onlyOwnArch && architectures.has(arch);
  const demanding = constraints.filter(({ required }) => required !== undefined);
  return (entry) => {
    const { offering, counted, labels } = entry;
    if (onlyOwn && offering.arch !== arch) return 'Architecture';
    for (const constraint of demanding) if (!admits(constraint, labels)) return 'Constraints';
    if (!covers(counted, need)) return 'TooSmall';
    if (!canBeHad(entry)) return 'Unavailable';
    return room.cells <= 0 || offering.pricePerHourUsd > room.pricePerHourUsd ? 'Budget' : undefined;
  };
}

/** How much a pod prefers an offering. */
export function weightOf({ constraints }: Query, { labels }: Entry): number {
  return constraints.reduce((sum, constraint) => sum + preferenceOf(constraint, labels), 0);
}

function prefers({ constraints }: Query): boolean {
  return constraints.some(({ preferred = [] }) => preferred.length > 0);
}

/**
 * Chooses for a pod: of what will do, what it prefers most; then what its class prefers most; then the cheapest. Stops at
 * the first that will do, unless the pod has preferences of its own.
 */
export function pick(query: Query, offered: ClassOfferings, canBeHad: CanBeHad): Pick {
  const judge = judgeOf(query, offered, canBeHad);
  const passed: ExclusionCounts = {};
  const looksOn = prefers(query);
  const byClass = (query.cellClass.spec.launchTypes.preferred ?? []).length > 0;
  let best: Entry | undefined;
  let bestWeight = -1;
  for (const entry of offered.entries) {
    // Asked first, since it is the cheapest question, and of most offerings the only one.
    if (!covers(entry.counted, query.need)) continue;
    const exclusion = judge(entry);
    if (exclusion !== undefined) {
      if (best === undefined) count(passed, exclusion);
      // With no cell left in the budget, no further offering will do either.
      if (exclusion === 'Budget' && query.room.cells <= 0) break;
      continue;
    }
    if (!looksOn) return { entry, isPreferred: byClass, passed };
    const weight = weightOf(query, entry);
    if (weight <= bestWeight) continue;
    best = entry;
    bestWeight = weight;
  }
  return { ...(best === undefined ? {} : { entry: best }), isPreferred: byClass || bestWeight > 0, passed };
}

/** Looks at every offering: what `nodeless plan` shows, and what a refusal is explained by. */
export function survey(query: Query, offered: ClassOfferings, canBeHad: CanBeHad): Survey {
  const judge = judgeOf(query, offered, canBeHad);
  const exclusions = { ...offered.excluded };
  const candidates: Entry[] = [];
  const tooSmall: Entry[] = [];
  for (const entry of offered.entries) {
    const exclusion = judge(entry);
    if (exclusion === undefined) candidates.push(entry);
    else count(exclusions, exclusion);
    if (exclusion === 'TooSmall') tooSmall.push(entry);
  }
  if (prefers(query)) candidates.sort((a, b) => weightOf(query, b) - weightOf(query, a));
  return { candidates, exclusions, tooSmall };
}
