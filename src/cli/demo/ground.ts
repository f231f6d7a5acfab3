import { constants, existsSync } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { readEnvironment } from '../../config/environment.ts';
import { KUBERNETES_PROGRAMS } from '../../local-cluster/binaries/artifacts.ts';
import { systemProgram } from '../../local-cluster/binaries/lookup.ts';
import { obtainPrograms } from '../../local-cluster/binaries/obtain.ts';
import { down } from '../../local-cluster/down.ts';
import { localFailure } from '../../local-cluster/failure.ts';
import { prepareImages } from '../../local-cluster/images/prepare.ts';
import { leftovers } from '../../local-cluster/leftovers.ts';
import {
  LOOPBACK_PROGRAMS,
  loopbackRef,
  simulatedProviderConfig,
  upLoopback,
} from '../../local-cluster/loopback/cluster.ts';
import { loopbackLeftovers, removeLoopback } from '../../local-cluster/loopback/removal.ts';
import type { Progress } from '../../local-cluster/progress.ts';
import type { ProviderOptions } from '../../local-cluster/provider/provider-process.ts';
import { clusterPaths } from '../../local-cluster/state.ts';
import { ensureSystemPrograms } from '../../local-cluster/system-packages.ts';
import { type LocalCluster, up } from '../../local-cluster/up.ts';

/** Name of the demo's cluster. */
export const DEMO = 'demo';
export type Mode = 'local' | 'simulated';

export interface Hands {
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** One thing to have before the cluster can come up. */
export interface Preparation {
  readonly name: string;
  readonly title: string;
  run(hands: Hands): Promise<void>;
}

/** A cluster that is up, and how its provider is to be configured. */
export interface Standing {
  readonly cluster: LocalCluster;
  readonly providerConfig: NonNullable<ProviderOptions['config']>;
}

/** What the demo stands on: real cells, or simulated ones. */
export interface Ground {
  readonly mode: Mode;
  readonly stateDir: string;
  readonly preparations: readonly Preparation[];
  readonly upTitle: string;
  up(hands: Hands): Promise<Standing>;
  down(): Promise<void>;
  /** The kinds of traces that are looked for, for people. */
  readonly kinds: string;
  /** What is on this machine of it, whoever started it; a line each. */
  traces(): Promise<readonly string[]>;
}

const LOCAL_PROGRAMS = [...KUBERNETES_PROGRAMS, 'coredns', 'pause', 'agnhost', 'nnp'] as const;

async function requireCache(): Promise<void> {
  const { cacheFolder } = readEnvironment();
  try {
    await mkdir(cacheFolder, { recursive: true });
    await access(cacheFolder, constants.W_OK);
  } catch (error) {
    throw localFailure(`can't write ${cacheFolder}: set XDG_CACHE_HOME to a folder that you may write`, error);
  }
}

/** Real cells: a cluster in a network namespace of its own, as root. */
export function localGround(): Ground {
  const ref = { name: DEMO };
  const { stateDir } = clusterPaths(ref);
  return {
    mode: 'local',
    stateDir,
    preparations: [
      { name: 'packages', title: 'System packages', run: ensureSystemPrograms },
      {
        name: 'programs',
        title: 'Programs: Kubernetes, CoreDNS and what goes into images',
        async run(hands) {
          await requireCache();
          await obtainPrograms(LOCAL_PROGRAMS, hands);
        },
      },
      { name: 'images', title: 'Container images', run: async (hands) => void (await prepareImages(hands)) },
    ],
    upTitle: 'Control plane and a regular node',
    async up(hands) {
      return { cluster: await up({ ...ref, regularNode: true, ...hands }), providerConfig: {} };
    },
    down: () => down(ref),
    kinds: 'process, network namespace, mount, cgroup, link, route, firewall rule or folder',
    async traces() {
      // Without `ip` nothing of it can ever have come up.
      const possible = process.platform === 'linux' && (await systemProgram('ip', readEnvironment())) !== undefined;
      if (!possible || process.getuid?.() !== 0) return existsSync(stateDir) ? [`folder ${stateDir}`] : [];
      return leftovers(ref);
    },
  };
}

async function requireEtcd(): Promise<void> {
  const found = await systemProgram('etcd', readEnvironment());
  if (found !== undefined) return;
  throw localFailure(
    'etcd is missing: install it (Debian, Ubuntu: "sudo apt-get install --no-install-recommends etcd-server"; ' +
      'macOS: "brew install etcd"), or put it into a folder and name that folder in KUBEBUILDER_ASSETS',
  );
}

/** Simulated cells: a control plane on loopback, as anybody. */
export function simulatedGround(): Ground {
  const paths = clusterPaths(loopbackRef(DEMO));
  return {
    mode: 'simulated',
    stateDir: paths.stateDir,
    preparations: [
      {
        name: 'programs',
        title: 'Programs: etcd and Kubernetes',
        async run(hands) {
          await requireEtcd();
          await requireCache();
          await obtainPrograms(LOOPBACK_PROGRAMS, hands);
        },
      },
    ],
    upTitle: 'Control plane on loopback',
    async up(hands) {
      const cluster = await upLoopback({ name: DEMO, ...hands });
      return { cluster, providerConfig: simulatedProviderConfig(cluster) };
    },
    down: () => removeLoopback(paths),
    kinds: 'process or folder',
    traces: () => loopbackLeftovers(paths),
  };
}
