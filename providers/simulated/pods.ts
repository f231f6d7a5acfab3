import { createBackoff } from '../../src/core/backoff.ts';
import type { Clock } from '../../src/core/clock.ts';
import { type CellApiClient, type KubeObject, must } from './api-client.ts';
import { isFinished, isPending, runningStatus } from './pod-status.ts';

/** The pods of one simulated kubelet. */
export interface PodWorkers {
  /** A LIST is the whole truth: what is not in it is ended. */
  replace(pods: readonly KubeObject[]): void;
  apply(pod: KubeObject): void;
  remove(pod: KubeObject): void;
}

export interface PodWorkerOptions {
  readonly address: string;
  readonly podStartMs: () => number;
  readonly podStopMs: () => number;
  readonly newPodIp: () => string;
  readonly clock: Clock;
  readonly random: () => number;
}

interface Worker {
  readonly end: AbortController;
  readonly stopping: boolean;
  /** The pod as it was shown last. */
  pod: KubeObject;
  /** Whether its status has been written. */
  told: boolean;
}

/** How often what was told is compared with what is shown, as a kubelet's status manager does. */
const SYNC_MS = 10_000;

function pathOf({ metadata }: KubeObject): string {
  return `/api/v1/namespaces/${metadata.namespace ?? 'default'}/pods/${metadata.name}`;
}

/** Starts nothing until it is shown a pod. All of it ends with the signal. */
export function startPodWorkers(options: PodWorkerOptions, api: CellApiClient, signal: AbortSignal): PodWorkers {
  const { clock } = options;
  const workers = new Map<string, Worker>();

  /** Repeats a write until it is done, refused for good (the pod is gone, or another) or needless. */
  async function write(step: () => Promise<{ status: number; body: unknown }>, end: AbortSignal): Promise<void> {
    const backoff = createBackoff(200, 10_000, options.random);
    for (;;) {
      end.throwIfAborted();
      try {
        const answer = await step();
        if (answer.status !== 404 && answer.status !== 409) must(answer, 'the write');
        return;
      } catch {
        await clock.sleep(backoff.next(), end);
      }
    }
  }

  async function run(pod: KubeObject, end: AbortSignal): Promise<void> {
    await clock.sleep(options.podStartMs(), end);
    const status = runningStatus(pod, { podIp: options.newPodIp(), hostIp: options.address, nowMs: clock.now() });
    const patch = { metadata: { uid: pod.metadata.uid }, status };
    await write(() => api.call('PATCH', `${pathOf(pod)}/status`, patch, end), end);
    const worker = workers.get(pod.metadata.uid ?? '');
    if (worker !== undefined) worker.told = true;
  }

  async function stop(pod: KubeObject, end: AbortSignal): Promise<void> {
    await clock.sleep(options.podStopMs(), end);
    const body = {
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      gracePeriodSeconds: 0,
      preconditions: { uid: pod.metadata.uid },
    };
    await write(() => api.call('DELETE', pathOf(pod), body, end), end);
  }

  function begin(pod: KubeObject, work: (pod: KubeObject, end: AbortSignal) => Promise<void>, stopping: boolean): void {
    const uid = pod.metadata.uid ?? '';
    const end = new AbortController();
    workers.get(uid)?.end.abort();
    workers.set(uid, { end, stopping, pod, told: false });
    // The machine's end, or the pod's, is the only way out of it that throws.
    work(pod, AbortSignal.any([signal, end.signal])).catch(() => undefined);
  }

  /** Tells again what those who were told do not know any more. */
  async function sync(): Promise<void> {
    for (;;) {
      await clock.sleep(SYNC_MS, signal);
      for (const { told, stopping, pod } of workers.values())
        if (told && !stopping && isPending(pod)) begin(pod, run, false);
    }
  }

  function apply(pod: KubeObject): void {
    const uid = pod.metadata.uid ?? '';
    const worker = workers.get(uid);
    if (worker !== undefined) worker.pod = pod;
    if (pod.metadata.deletionTimestamp !== undefined) {
      if (worker?.stopping !== true) begin(pod, stop, true);
    } else if (worker === undefined && !isFinished(pod)) begin(pod, run, false);
  }

  function forget(uid: string): void {
    workers.get(uid)?.end.abort();
    workers.delete(uid);
  }

  sync().catch(() => undefined);
  return {
    apply,
    remove: (pod) => forget(pod.metadata.uid ?? ''),
    replace(pods) {
      const shown = new Set(pods.map((pod) => pod.metadata.uid ?? ''));
      for (const uid of workers.keys()) if (!shown.has(uid)) forget(uid);
      for (const pod of pods) apply(pod);
    },
  };
}
