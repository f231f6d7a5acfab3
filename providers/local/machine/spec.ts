import type { KubeletConfiguration } from '../../kubelet/kubelet-config.ts';
import type { CgroupLimits, CpuWeight } from './cgroups.ts';
import type { MachineBootstrap } from './identity.ts';
import type { MachineNetwork } from './network.ts';

/** The container runtime of a machine; paths are absolute. */
interface MachineContainerd {
  readonly containerd: string;
  /** Without it, the one on the PATH. */
  readonly runc?: string;
  readonly cniBinDir: string;
  readonly sandboxImage: string;
  /** URL that every registry is asked through. */
  readonly registryMirror?: string;
  /** Whole names of images that it pulls before the kubelet starts, where it has not got them. */
  readonly images?: readonly string[];
  /** A containerd root made by `containerdTemplate`, with the images that the machine boots with. */
  readonly template?: string;
}

/** The kubelet of a machine. It proves itself by a kubeconfig, or the machine first gets it a certificate by a token. */
interface MachineKubelet {
  /** Absolute path of a program named `kubelet`. */
  readonly kubelet: string;
  readonly nodeName: string;
  /** `kubeletConfiguration(...)`, with whatever else the node needs; the machine adds its own paths. */
  readonly configuration: KubeletConfiguration;
  /** Authority of the callers of the kubelet's own endpoint; turns on what `securedBy` says. */
  readonly clientCaPem?: string;
  readonly kubeconfig?: string;
  readonly bootstrap?: MachineBootstrap;
  /** Further arguments, such as `--register-node=true`. */
  readonly args?: readonly string[];
}

/** A stock kubelet and containerd in namespaces and a cgroup of their own. */
export interface MachineSpec {
  /**
   * Where the machine keeps everything, made by it (in a folder that exists) and removed with it. On a disk, not a
   * tmpfs: overlay mounts and pods' volumes are in it. Better not in /tmp, or the machine shares the host's.
   */
  readonly directory: string;
  /** Its cgroup in every hierarchy, such as `/nodeless/demo/c-1`. */
  readonly cgroup: string;
  readonly limits?: CgroupLimits;
  /** `equal` unless given. */
  readonly cpuWeight?: CpuWeight;
  readonly network: MachineNetwork;
  readonly containerd: MachineContainerd;
  readonly kubelet: MachineKubelet;
  /** Address that programs on the machine, and pods with dnsPolicy Default, resolve names at. */
  readonly nameserver: string;
}
