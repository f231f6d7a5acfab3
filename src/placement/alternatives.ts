import type { Offering } from '../core/offerings.ts';
import { type CanBeHad, judgeOf, weightOf } from './choose.ts';
import type { ClassOfferings, Entry } from './offering-table.ts';
import type { Query } from './query.ts';

/** What costs so many times as much is nearly as cheap: being taken back less often is worth more. */
const LITTLE_MORE = 1.2;
/** As many as a cloud makes use of. */
const MAX_ALTERNATIVES = 59;

/**
 * What will do as well as the spot offering that was chosen, and costs little more, the cheapest first: which of them is had
 * is for the cloud to say, which knows where it has most room. Of other launch types the cheapest is as good as any.
 */
export function alternativesTo(
  entry: Entry,
  query: Query,
  offered: ClassOfferings,
  canBeHad: CanBeHad,
): readonly Offering[] {
  const { launchType, pricePerHourUsd } = entry.offering;
  if (launchType !== 'ec2-spot') return [];
  const judge = judgeOf(query, offered, canBeHad);
  const weight = weightOf(query, entry);
  const found: Offering[] = [];
  // They are in the order of their prices, within a launch type.
  for (let at = offered.entries.indexOf(entry) + 1; at < offered.entries.length; at += 1) {
    const other = offered.entries[at];
    if (other === undefined || other.offering.launchType !== launchType) continue;
    if (other.offering.pricePerHourUsd > pricePerHourUsd * LITTLE_MORE || found.length === MAX_ALTERNATIVES) break;
    if (judge(other) === undefined && weightOf(query, other) === weight) found.push(other.offering);
  }
  return found;
}

/** Says of a choice what else it may become. */
export function describeAlternatives(alternatives: readonly Offering[]): string {
  if (alternatives.length === 0) return '';
  const percent = Math.round((LITTLE_MORE - 1) * 100);
  return `; or one of ${alternatives.length} others of at most ${percent} % more, where the cloud has more room`;
}
