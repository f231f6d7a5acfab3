import { resourceListOf, resourcesOf } from '../../core/resources.ts';
import { podNeed } from '../../core/sizing.ts';
import type { WirePod } from '../../kube/wire-pod.ts';

/** A trace of the pods that a cluster has, and how many of them do not count. */
export interface Recording {
  /** CSV for `nodeless simulate --trace`. */
  readonly csv: string;
  readonly pods: number;
  /** Pods whose containers have not started. */
  readonly notStarted: number;
  /** Pods of DaemonSets, which come with their node and not by themselves. */
  readonly ofDaemonSets: number;
}

const DEFAULT_SIZE = resourcesOf({ cpu: '250m', memory: '256Mi' });

/** How long a pod's containers ran, up to now if one does; undefined when none has started. */
function durationMs({ status }: WirePod, nowMs: number): number | undefined {
  const states = (status?.containerStatuses ?? []).map(({ state }) => state ?? {});
  const time = (at: unknown) => Date.parse(String(at));
  const starts = states.flatMap(({ running, terminated }) => time(running?.startedAt ?? terminated?.startedAt));
  const started = starts.filter((atMs) => !Number.isNaN(atMs));
  if (started.length === 0) return undefined;
  const isOver = states.every(({ terminated }) => terminated?.finishedAt !== undefined);
  const endMs = isOver ? Math.max(...states.map(({ terminated }) => time(terminated?.finishedAt))) : nowMs;
  return Math.max(0, endMs - Math.min(...started));
}

function shapeOf(pod: WirePod): string {
  const { cpu, memory } = resourceListOf(podNeed(pod, DEFAULT_SIZE));
  return `${cpu}/${memory}`;
}

function isOfDaemonSet({ metadata }: WirePod): boolean {
  const owners = (metadata.ownerReferences ?? []) as readonly { readonly kind: string }[];
  return owners.some(({ kind }) => kind === 'DaemonSet');
}

/** The pods that there are as a trace: creation, how long their containers ran, what they ask for; in order. */
export function recordingOf(pods: readonly WirePod[], nowMs: number): Recording {
  const counted = pods.filter((pod) => !isOfDaemonSet(pod));
  const lines = counted.flatMap((pod) => {
    const ms = durationMs(pod, nowMs);
    const created = String(pod.metadata.creationTimestamp);
    return ms === undefined ? [] : [{ created, text: `${created},${ms / 1_000},${shapeOf(pod)}` }];
  });
  const sorted = lines.toSorted((a, b) => Date.parse(a.created) - Date.parse(b.created));
  return {
    csv: `${['arrival,duration,shape', ...sorted.map(({ text }) => text)].join('\n')}\n`,
    pods: lines.length,
    notStarted: counted.length - lines.length,
    ofDaemonSets: pods.length - counted.length,
  };
}
