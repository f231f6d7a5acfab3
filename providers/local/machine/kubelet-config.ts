import { formatBytes, formatCpu } from '../../../src/core/quantity.ts';
import { CONTAINERD_SOCKET } from '../../kubelet/containerd-config.ts';
import { cellKubelet, type KubeletConfiguration } from '../../kubelet/kubelet-config.ts';

/** What a machine keeps from its pods. */
export interface Reserved {
  readonly cpuMilli: number;
  readonly memoryBytes: number;
}

/**
 * The settings that any kubelet on a local machine needs; spread others over them. Paths and the node's identity
 * are the machine's own and are added by it.
 */
export function kubeletConfiguration(options: {
  readonly clusterDns: string;
  readonly clusterDomain: string;
  readonly reserved?: Reserved;
}): KubeletConfiguration {
  const { reserved } = options;
  return {
    ...cellKubelet(options),
    cgroupDriver: 'cgroupfs',
    enforceNodeAllocatable: [],
    evictionHard: {},
    failSwapOn: false,
    imageGCHighThresholdPercent: 100,
    maxPods: 110,
    ...(reserved && {
      systemReserved: { cpu: formatCpu(reserved.cpuMilli), memory: formatBytes(reserved.memoryBytes) },
    }),
  };
}

/** The settings that follow from where the machine keeps things; `directory` is the machine's folder. */
export function machinePaths(directory: string): KubeletConfiguration {
  return {
    kind: 'KubeletConfiguration',
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    containerRuntimeEndpoint: `unix://${CONTAINERD_SOCKET}`,
    podLogsDir: '/var/log/pods',
    resolvConf: `${directory}/resolv.conf`,
    volumePluginDir: `${directory}/volume-plugins`,
  };
}
