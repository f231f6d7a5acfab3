import type { Logger } from 'pino';
import type { Clock } from '../../src/core/clock.ts';
import { type ClusterRanges, DEFAULT_RANGES } from './machine/addressing.ts';

/** The programs that cells are made of; absolute paths. */
export interface LocalPrograms {
  /** A program named `kubelet`. */
  readonly kubelet: string;
  readonly containerd: string;
  /** Without it, the one on the PATH. */
  readonly runc?: string;
  /** A folder with the CNI plugins bridge, host-local, loopback and portmap. */
  readonly cniBinDir: string;
}

export interface LocalProviderOptions {
  /** The cloud: a folder per cell is below it. Not under /tmp, or cells share the host's. */
  readonly stateDir: string;
  /** Where unpacked images are kept, for all clusters. */
  readonly cacheDir: string;
  /** Part of the names of network namespaces, links and cgroups: up to 30 of `a-z`, `0-9` and `-`. */
  readonly clusterName: string;
  /** Only machines with these tags are listed; without it, all of the state folder's. */
  readonly owner?: { readonly clusterUid: string; readonly virtualNodes: readonly string[] };
  readonly programs: LocalPrograms;
  /** A folder of docker archives (`*.tar`) that every cell boots with. */
  readonly imagesDir?: string;
  readonly sandboxImage?: string;
  /** URL that every image registry is asked through. */
  readonly registryMirror?: string;
  /** Let cells reach what is outside of the cluster's ranges. */
  readonly outbound?: boolean;
  readonly ranges?: ClusterRanges;
  /** Names that all sizes are offered under, as if cells were in several zones. */
  readonly zones?: readonly string[];
  /** Path of the network namespace of the cluster's router, such as /run/netns/demo; without it, the process' own. */
  readonly networkNamespace?: string;
  /** Parent of the cells' cgroups in every hierarchy. */
  readonly cgroup?: string;
  /** How many launches run at a time. */
  readonly launchConcurrency?: number;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/** The options with every default in place. */
export type LocalSettings = LocalProviderOptions &
  Required<
    Pick<LocalProviderOptions, 'cgroup' | 'launchConcurrency' | 'outbound' | 'ranges' | 'sandboxImage' | 'zones'>
  >;

export function withDefaults(options: LocalProviderOptions): LocalSettings {
  return {
    cgroup: `/nodeless/${options.clusterName}`,
    launchConcurrency: 4,
    outbound: false,
    ranges: DEFAULT_RANGES,
    zones: ['local'],
    sandboxImage: 'registry.k8s.io/pause:3.10.1',
    ...options,
  };
}
