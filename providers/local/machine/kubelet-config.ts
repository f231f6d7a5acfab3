import { formatBytes, formatCpu } from '../../../src/core/quantity.ts';
import { CONTAINERD_SOCKET } from './containerd-config.ts';

/** A kubelet's configuration file (`kubelet.config.k8s.io/v1beta1`), or a part of it. */
export type KubeletConfiguration = Readonly<Record<string, unknown>>;

/** What a machine keeps from its pods. */
export interface Reserved {
  readonly cpuMilli: number;
  readonly memoryBytes: number;
}

/**
 * The settings that any kubelet on a local machine needs; spread others over them. Paths and the node's identity
 * are the machine's own and are added by it. Frequent status (10 s) and a 40 s lease, because silence is how a
 * cell is missed.
 */
export function kubeletConfiguration(options: {
  readonly clusterDns: string;
  readonly clusterDomain: string;
  readonly reserved?: Reserved;
}): KubeletConfiguration {
  const { reserved } = options;
  return {
    clusterDNS: [options.clusterDns],
    clusterDomain: options.clusterDomain,
    cgroupDriver: 'cgroupfs',
    contentType: 'application/json',
    enforceNodeAllocatable: [],
    evictionHard: {},
    evictionPressureTransitionPeriod: '0s',
    failSwapOn: false,
    healthzPort: 0,
    imageGCHighThresholdPercent: 100,
    maxPods: 110,
    nodeLeaseDurationSeconds: 40,
    nodeStatusReportFrequency: '10s',
    nodeStatusUpdateFrequency: '10s',
    readOnlyPort: 0,
    serializeImagePulls: false,
    ...(reserved && {
      systemReserved: { cpu: formatCpu(reserved.cpuMilli), memory: formatBytes(reserved.memoryBytes) },
    }),
  };
}

/** The settings of a kubelet that proves itself by certificates: anonymous callers are refused, others are asked about. */
export function securedBy(clientCaFile: string): KubeletConfiguration {
  return {
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true, cacheTTL: '10s' },
      x509: { clientCAFile: clientCaFile },
    },
    authorization: { mode: 'Webhook', webhook: { cacheAuthorizedTTL: '30s', cacheUnauthorizedTTL: '5s' } },
    rotateCertificates: true,
    serverTLSBootstrap: true,
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
