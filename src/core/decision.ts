/** Where routing sends a pod: to a cell of its own, to the node cell, or nowhere in particular. */
const DECISIONS = ['cell', 'node-cell', 'leave', 'untouched', 'absorb', 'inject'] as const;
export type Decision = (typeof DECISIONS)[number];

/** The value of the annotation `nodeless.io/decision`: `leave: host-path (spec.volumes "data")`. */
export function formatDecision(decision: Decision, reason: string, detail?: string): string {
  return `${decision}: ${reason}${detail === undefined ? '' : ` (${detail})`}`;
}

/** The decision that an annotation tells of, or undefined when it tells of none. Users may write it. */
export function decisionOf(annotation: string | undefined): Decision | undefined {
  const [word] = annotation?.split(':') ?? [];
  return DECISIONS.find((decision) => decision === word);
}
