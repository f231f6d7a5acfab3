import { kubeTime } from '../../src/core/clock.ts';
import type { KubeObject } from './api-client.ts';

interface SpecContainer {
  readonly name: string;
  readonly image?: string;
}

/** What a simulated kubelet says of a pod that it "runs". */
export interface RunningStatus {
  readonly podIp: string;
  readonly hostIp: string;
  readonly nowMs: number;
}

function containersOf(pod: KubeObject, field: 'containers' | 'initContainers'): readonly SpecContainer[] {
  const spec = pod.spec as Readonly<Record<string, readonly SpecContainer[] | undefined>> | undefined;
  return spec?.[field] ?? [];
}

function fromImage(container: SpecContainer) {
  const image = container.image ?? '';
  return { name: container.name, image, imageID: image, restartCount: 0 };
}

/** The status of a pod all of whose containers run and are ready. */
export function runningStatus(pod: KubeObject, { podIp, hostIp, nowMs }: RunningStatus): Record<string, unknown> {
  const now = kubeTime(nowMs);
  const types = ['PodReadyToStartContainers', 'Initialized', 'ContainersReady', 'Ready', 'PodScheduled'];
  const init = containersOf(pod, 'initContainers');
  const completed = { exitCode: 0, reason: 'Completed', startedAt: now, finishedAt: now };
  return {
    phase: 'Running',
    hostIP: hostIp,
    hostIPs: [{ ip: hostIp }],
    podIP: podIp,
    podIPs: [{ ip: podIp }],
    startTime: now,
    conditions: types.map((type) => ({ type, status: 'True', lastProbeTime: null, lastTransitionTime: now })),
    containerStatuses: containersOf(pod, 'containers').map((container) => ({
      ...fromImage(container),
      containerID: `simulated://${pod.metadata.uid}/${container.name}`,
      ready: true,
      started: true,
      state: { running: { startedAt: now } },
    })),
    ...(init.length > 0 && {
      initContainerStatuses: init.map((container) => ({
        ...fromImage(container),
        ready: true,
        started: false,
        state: { terminated: completed },
      })),
    }),
  };
}

function phaseOf({ status }: KubeObject): string | undefined {
  return (status as { phase?: string } | undefined)?.phase;
}

/** The phase of a pod of which nothing has been told. */
export function isPending(pod: KubeObject): boolean {
  return phaseOf(pod) === 'Pending';
}

/** The phase of a pod that a kubelet has nothing more to do for. */
export function isFinished(pod: KubeObject): boolean {
  return ['Succeeded', 'Failed'].includes(phaseOf(pod) ?? '');
}
