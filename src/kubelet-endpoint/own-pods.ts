import type { Sample } from './exposition-lines.ts';
import type { PodIdentity, RunningCell } from './ports.ts';

/** The pods that a cell may speak of. Whatever it tells of others is a lie, or its machine's. */
export interface OwnPods {
  /** A cheap look at a raw line: false when it can't be about one of these pods. */
  mayMatter(line: string): boolean;
  /** The pod that a sample's labels name, when it is one of these. */
  ofSample(sample: Sample): PodIdentity | undefined;
  /** The pod with this very identity, when it is one of these. */
  find(reference: Partial<PodIdentity> | undefined): PodIdentity | undefined;
}

/** Labels that scrapers set from their own knowledge, and with `honor_labels` believe from the target. */
const TARGET_LABELS = ['job', 'instance', 'node'];

function isClean({ labels }: Sample): boolean {
  if (TARGET_LABELS.some((label) => labels.has(label))) return false;
  for (const label of labels.keys()) if (label.startsWith('__')) return false;
  return true;
}

/** Makes the filter of one cell's statistics. */
export function ownPodsOf(cell: RunningCell): OwnPods {
  const byName = new Map(cell.pods.map((pod) => [`${pod.namespace}/${pod.name}`, pod]));
  const needles = cell.pods.map(({ name }) => `pod="${name}"`);
  return {
    mayMatter: (line) => needles.some((needle) => line.includes(needle)),
    ofSample(sample) {
      const { labels } = sample;
      const pod = byName.get(`${labels.get('namespace')}/${labels.get('pod')}`);
      const uid = labels.get('pod_uid');
      return pod !== undefined && isClean(sample) && (uid === undefined || uid === pod.uid) ? pod : undefined;
    },
    find(reference) {
      const pod = byName.get(`${reference?.namespace}/${reference?.name}`);
      return pod !== undefined && pod.uid === reference?.uid ? pod : undefined;
    },
  };
}
