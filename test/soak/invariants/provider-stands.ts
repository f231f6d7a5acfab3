import type { Invariant } from '../observation.ts';
import { wallPatience } from './patience.ts';

/** There is never a second provider, and the one that is there does not end by itself. */
export function providerStands(limitMs: number): Invariant {
  const overdue = wallPatience(limitMs);
  return (seen) => {
    const { providerPids, providerMustRun } = seen;
    const ended = overdue(
      providerMustRun && providerPids.length === 0 ? ['the provider has ended by itself'] : [],
      seen,
    );
    return providerPids.length > 1
      ? [`${providerPids.length} providers run: ${providerPids.join(', ')}`, ...ended]
      : ended;
  };
}
