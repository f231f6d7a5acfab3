import { PLACEMENT_LABEL } from './names.ts';

const PLACEMENTS = ['cell', 'node', 'ignore'] as const;
export type PlacementLabel = (typeof PLACEMENTS)[number];

type Labels = Readonly<Record<string, string>>;

function read(labels: Labels): PlacementLabel | undefined {
  return PLACEMENTS.find((placement) => placement === labels[PLACEMENT_LABEL]);
}

/** What the labels ask for. `ignore` on either is final, as it keeps the pod from the webhook; else the pod's own wins. */
export function placementOf(podLabels: Labels, namespaceLabels: Labels): PlacementLabel | undefined {
  const [own, inherited] = [read(podLabels), read(namespaceLabels)];
  return inherited === 'ignore' ? 'ignore' : (own ?? inherited);
}

/** Says that a label has a value that nothing follows, or undefined. */
export function placementWarning(podLabels: Labels): string | undefined {
  const value = podLabels[PLACEMENT_LABEL];
  if (value === undefined || read(podLabels) !== undefined) return undefined;
  return `label ${PLACEMENT_LABEL}: "${value}" is not followed; it is one of ${PLACEMENTS.join(', ')}`;
}
