import { messageOf } from '../core/errors.ts';
import type { PodEvidence, ProbeCounts } from '../core/pod-evidence.ts';
import type { CellClient } from './cell-client.ts';
import { samplesOf } from './exposition-lines.ts';
import type { CellAddress } from './ports.ts';

const LIMITS = { timeoutMs: 5_000, maxBytes: 4 * 1024 * 1024 };
const NO_PROBES: ProbeCounts = { successful: 0, failed: 0 };

interface RunningPods {
  readonly items?: readonly {
    readonly metadata?: { readonly uid?: string };
    readonly spec?: { readonly containers?: readonly { readonly name?: string }[] };
  }[];
}

/** The running containers of a pod, from a kubelet's `/runningpods/`. */
export function runningContainers(text: string, podUid: string): ReadonlySet<string> {
  const { items = [] } = JSON.parse(text) as RunningPods;
  const pod = items.find(({ metadata }) => metadata?.uid === podUid);
  return new Set((pod?.spec?.containers ?? []).flatMap(({ name }) => (name === undefined ? [] : [name])));
}

/** The readiness probes of a pod, from a kubelet's `/metrics/probes`. */
export function readinessProbes(text: string, podUid: string): ReadonlyMap<string, ProbeCounts> {
  const probes = new Map<string, ProbeCounts>();
  for (const { name, labels, value } of samplesOf(text, (line) => line.startsWith('prober_probe_total'))) {
    if (name !== 'prober_probe_total' || labels.get('pod_uid') !== podUid) continue;
    const result = labels.get('result');
    if (labels.get('probe_type') !== 'Readiness' || (result !== 'successful' && result !== 'failed')) continue;
    const container = labels.get('container') ?? '';
    probes.set(container, { ...(probes.get(container) ?? NO_PROBES), [result]: Number(value) });
  }
  return probes;
}

/** Asks a cell's kubelet; undefined when it does not answer, or not as a kubelet does. */
export async function podEvidence(
  client: CellClient,
  cell: CellAddress,
  podUid: string,
  signal: AbortSignal,
): Promise<PodEvidence | undefined> {
  const ask = (path: string, accept: string) => client.fetch(cell, path, accept, { ...LIMITS, signal });
  const [pods, probes] = await Promise.all([ask('/runningpods/', 'application/json'), ask('/metrics/probes', '*/*')]);
  if (!pods.ok || !probes.ok) return undefined;
  try {
    return {
      running: runningContainers(pods.body.toString(), podUid),
      probes: readinessProbes(probes.body.toString(), podUid),
    };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw new Error(`the kubelet of ${cell.cellId} could not be read: ${messageOf(error)}`, { cause: error });
  }
}
