import type { Shape } from './shapes.ts';

/** k8s.io/kubelet/pkg/apis/stats/v1alpha1 types.go (1.34), but for what is about the machine and not a pod. */
const PSI_DATA: Shape = { total: 'uint', avg10: 'number', avg60: 'number', avg300: 'number' };
const PSI: Shape = { full: PSI_DATA, some: PSI_DATA };
const CPU: Shape = { time: 'time', usageNanoCores: 'uint', usageCoreNanoSeconds: 'uint', psi: PSI };
const MEMORY: Shape = {
  time: 'time',
  availableBytes: 'uint',
  usageBytes: 'uint',
  workingSetBytes: 'uint',
  rssBytes: 'uint',
  pageFaults: 'uint',
  majorPageFaults: 'uint',
  psi: PSI,
};
const IO: Shape = { time: 'time', psi: PSI };
const SWAP: Shape = { time: 'time', swapAvailableBytes: 'uint', swapUsageBytes: 'uint' };
const FS = {
  time: 'time',
  availableBytes: 'uint',
  capacityBytes: 'uint',
  usedBytes: 'uint',
  inodesFree: 'uint',
  inodes: 'uint',
  inodesUsed: 'uint',
} as const satisfies Shape;
const INTERFACE = { name: 'string', rxBytes: 'uint', rxErrors: 'uint', txBytes: 'uint', txErrors: 'uint' } as const;
const ACCELERATOR: Shape = {
  make: 'string',
  model: 'string',
  id: 'string',
  memoryTotal: 'uint',
  memoryUsed: 'uint',
  dutyCycle: 'uint',
};
const CONTAINER: Shape = {
  name: 'string',
  startTime: 'time',
  cpu: CPU,
  memory: MEMORY,
  io: IO,
  accelerators: [ACCELERATOR],
  rootfs: FS,
  logs: FS,
  swap: SWAP,
};
const VOLUME: Shape = {
  ...FS,
  name: 'string',
  pvcRef: { name: 'string', namespace: 'string' },
  volumeHealthStats: { abnormal: 'boolean' },
};

/** One entry of `pods` in `/stats/summary`. */
export const POD_STATS: Shape = {
  podRef: { name: 'string', namespace: 'string', uid: 'string' },
  startTime: 'time',
  containers: [CONTAINER],
  cpu: CPU,
  memory: MEMORY,
  io: IO,
  network: { time: 'time', ...INTERFACE, interfaces: [INTERFACE] },
  volume: [VOLUME],
  'ephemeral-storage': FS,
  process_stats: { process_count: 'uint' },
  swap: SWAP,
};

/** What the endpoint itself reads of a pod's stats, after shaping. */
export interface PodStats {
  readonly podRef: { readonly name: string; readonly namespace: string; readonly uid: string };
  readonly cpu?: { readonly usageNanoCores?: number; readonly usageCoreNanoSeconds?: number };
  readonly memory?: {
    readonly usageBytes?: number;
    readonly workingSetBytes?: number;
    readonly rssBytes?: number;
    readonly pageFaults?: number;
    readonly majorPageFaults?: number;
  };
  readonly [field: string]: unknown;
}

/** One entry of `/runningpods/`: what a kubelet knows from its container runtime. */
export const RUNNING_POD: Shape = {
  metadata: { name: 'string', namespace: 'string', uid: 'string' },
  spec: { containers: [{ name: 'string', image: 'string' }] },
};
