import { kubeTime } from '../../src/core/clock.ts';
import { type Resources, resourceListOf } from '../../src/core/resources.ts';

/** What a simulated kubelet reports of its machine. */
export interface NodeReport {
  readonly nodeName: string;
  readonly address: string;
  readonly arch: string;
  readonly capacity: Resources;
  readonly allocatable: Resources;
  readonly nowMs: number;
}

const PODS = '20';

/** The patch of nodes/status with which a kubelet says that it is Ready, and how large. */
export function nodeStatusPatch(report: NodeReport): Record<string, unknown> {
  const now = kubeTime(report.nowMs);
  const conditions = [
    { type: 'MemoryPressure', status: 'False', reason: 'KubeletHasSufficientMemory' },
    { type: 'DiskPressure', status: 'False', reason: 'KubeletHasNoDiskPressure' },
    { type: 'PIDPressure', status: 'False', reason: 'KubeletHasSufficientPID' },
    { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'simulated' },
  ];
  return {
    metadata: {},
    status: {
      addresses: [
        { type: 'InternalIP', address: report.address },
        { type: 'Hostname', address: report.nodeName },
      ],
      capacity: { ...resourceListOf(report.capacity), pods: PODS },
      allocatable: { ...resourceListOf(report.allocatable), pods: PODS },
      conditions: conditions.map((condition) => ({
        ...condition,
        lastHeartbeatTime: now,
        lastTransitionTime: now,
      })),
      nodeInfo: {
        architecture: report.arch,
        operatingSystem: 'linux',
        kubeletVersion: 'v1.34.4',
        containerRuntimeVersion: 'simulated://1',
        osImage: 'simulated',
        kernelVersion: '',
        kubeProxyVersion: '',
        bootID: '',
        machineID: '',
        systemUUID: '',
      },
    },
  };
}
