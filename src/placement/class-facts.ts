import type { CellClasses } from './cell-classes.ts';

type Labels = Readonly<Record<string, string>>;

/** What routing and validation ask of CellClasses. */
export function classFacts(classes: CellClasses) {
  return {
    enforcesNetworkPolicy: (namespace: string, podLabels: Labels) =>
      classes.networkPolicyEnforcer(namespace, podLabels) !== undefined,
    nodeCellEnforcesNetworkPolicy: () => classes.nodeCellEnforcer() !== undefined,
    cellClassProblem: (namespace: string, podLabels: Labels) => classes.problemOf(namespace, podLabels),
  };
}
