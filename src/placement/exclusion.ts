/** Why an offering is not for a pod, in the order in which it is looked at. */
export const EXCLUSIONS = {
  LaunchType: 'of a launch type that the CellClass does not allow',
  InstanceType: 'of an instance type that the CellClass leaves out',
  Architecture: 'of another architecture than the virtual node, and the pod names none',
  Constraints: 'not what the pod asks for',
  TooSmall: 'too small',
  Unavailable: 'without capacity now',
  Budget: 'beyond the budget of the CellClass',
} as const;

export type Exclusion = keyof typeof EXCLUSIONS;

/** How many offerings are left out for each reason; a reason that leaves none out is absent. */
export type ExclusionCounts = Partial<Record<Exclusion, number>>;

export function count(counts: ExclusionCounts, exclusion: Exclusion): void {
  counts[exclusion] = (counts[exclusion] ?? 0) + 1;
}

/** `3 without capacity now, 12 too small`; empty when none is left out. */
export function describeExclusions(counts: ExclusionCounts, shown = Object.keys(EXCLUSIONS) as Exclusion[]): string {
  return shown
    .flatMap((exclusion) => (counts[exclusion] === undefined ? [] : [`${counts[exclusion]} ${EXCLUSIONS[exclusion]}`]))
    .join(', ');
}
