import type { CanBeHad } from './choose.ts';
import type { ClassOfferings } from './offering-table.ts';

/** How many offerings there are, and how many of them can not be had now. */
export interface Stock {
  readonly offerings: number;
  readonly unavailable: number;
}

/** Counts what a pod that names no architecture may have of a class. */
export function stockOf({ entries, architectures }: ClassOfferings, arch: string, canBeHad: CanBeHad): Stock {
  const own = architectures.has(arch) ? entries.filter(({ offering }) => offering.arch === arch) : entries;
  return { offerings: own.length, unavailable: own.filter((entry) => !canBeHad(entry)).length };
}
