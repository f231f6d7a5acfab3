import { meets, type Requirement } from './constraints.ts';

type Labels = Readonly<Record<string, string>>;

/** A label selector, as NetworkPolicies have it. */
export interface LabelSelector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: string[];
  }[];
}

/** Whether a label selector selects these labels; an empty one selects everything. */
export function selects({ matchLabels, matchExpressions }: LabelSelector, labels: Labels): boolean {
  // Asked of each policy of a namespace for each pod: without a list of the members.
  for (const key in matchLabels) if (!Object.hasOwn(labels, key) || labels[key] !== matchLabels[key]) return false;
  return matchExpressions?.every((one) => meets(one as Requirement, labels)) ?? true;
}
