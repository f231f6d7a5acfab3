import type { Invariant } from '../observation.ts';
import { type Limit, wallPatience } from './patience.ts';

/** There is never a second provider, and the one that is there does not end by itself. */
export function providerStands(limit: Limit): Invariant {
  const overdue = wallPatience(limit);
  return (seen) => {
    const { providerPids, providerMustRun } = seen;
    const missing = providerMustRun && providerPids.length === 0;
    const ended = overdue(new Map(missing ? [['ended', 'the provider has ended by itself']] : []), seen);
    return providerPids.length > 1
      ? [`${providerPids.length} providers run: ${providerPids.join(', ')}`, ...ended]
      : ended;
  };
}
