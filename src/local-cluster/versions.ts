import { fileURLToPath } from 'node:url';

/** The newest minor whose kubelet still runs on cgroup v1 without being told to. */
export const KUBERNETES_VERSION = 'v1.34.4';
/** The newest patch of the minor before: cells of both run beside each other in test/skew. */
export const PREVIOUS_KUBELET_VERSION = 'v1.33.13';
export const COREDNS_VERSION = 'v1.13.1';
/** What the benchmarks compare with. */
export const KWOK_VERSION = 'v0.8.0';
/** What renders and installs the chart in tests. */
export const HELM_VERSION = 'v3.22.0';
export const PAUSE_VERSION = '3.10.1';

/** The folder with the Go modules that the programs are compiled from. */
export const MODULES_FOLDER = fileURLToPath(new URL('../../deploy/local-cluster/', import.meta.url));

/** Go's and Kubernetes' name for this machine's architecture. */
export function goArch(nodeArch: string = process.arch): string {
  return nodeArch === 'x64' ? 'amd64' : nodeArch;
}
