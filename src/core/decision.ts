/** Where routing sends a pod: to a cell of its own, to the node cell, or nowhere in particular. */
const DECISIONS = ['cell', 'node-cell', 'leave', 'untouched', 'absorb', 'inject'] as const;
type Decision = (typeof DECISIONS)[number];

/** The decision that an annotation tells of, or undefined when it tells of none. Users may write it. */
export function decisionOf(annotation: string | undefined): Decision | undefined {
  const [word] = annotation?.split(':') ?? [];
  return DECISIONS.find((decision) => decision === word);
}
