import type { CellClassSpec } from '../core/cell-class.ts';
import { type DaemonNode, wantsPodOn } from '../core/daemon-selection.ts';
import { AGENT_REQUIRED_ANNOTATION } from '../core/names.ts';
import { add, larger, NOTHING, type Resources } from '../core/resources.ts';
import { effectiveRequest, type SizedPod } from '../core/sizing.ts';
import { type NodeTaint, tolerates } from '../core/tolerates.ts';
import type { CollectionReader } from '../kube/collection.ts';
import type { KubeObject } from '../kube/objects.ts';
import type { WirePod } from '../kube/wire-pod.ts';
import { daemonSetOwnerOf, isInjected } from './place.ts';

/** What sizing reads of DaemonSets. */
export type DaemonSets = Pick<CollectionReader<KubeObject>, 'get'>;

/** A DaemonSet whose pod on the virtual node is in every cell. */
export interface AgentSet {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Pods are given to their cells when it is Ready there. */
  readonly required: boolean;
  /** What its template asks for, or its pod where that is more. */
  readonly request: Resources;
}

function templateOf(daemonSet: KubeObject | undefined): SizedPod {
  return (daemonSet?.spec as { template?: SizedPod } | undefined)?.template ?? {};
}

const requests = new WeakMap<object, Resources>();

/** Counted once for each state of a pod or template. @throws NodelessError InvalidQuantity */
export function requestOfPod(pod: SizedPod): Resources {
  const request = requests.get(pod) ?? effectiveRequest(pod);
  requests.set(pod, request);
  return request;
}

/** Its pod may ask for more than its template, by what admission has added, or for less, as long as it is an older one. */
function agentSetOf(daemonSet: KubeObject, pods: readonly WirePod[]): AgentSet {
  const { namespace = 'default', name, uid = '', annotations } = daemonSet.metadata;
  const required = annotations?.[AGENT_REQUIRED_ANNOTATION] === 'true';
  const live = pods.filter((pod) => pod.metadata.deletionTimestamp === undefined && daemonSetOwnerOf(pod)?.uid === uid);
  const request = live.map(requestOfPod).reduce(larger, requestOfPod(templateOf(daemonSet)));
  return { namespace, name, uid, required, request };
}

/** Those that can be counted, together; one that asks for more than any machine has would stop the choice for every pod. */
function countable(
  daemonSets: readonly KubeObject[],
  pods: readonly WirePod[],
  leaveOut: (daemonSet: KubeObject, error: unknown) => void,
): readonly AgentSet[] {
  let total = NOTHING;
  return daemonSets.flatMap((one) => {
    try {
      const set = agentSetOf(one, pods);
      total = add(total, set.request);
      return [set];
    } catch (error) {
      leaveOut(one, error);
      return [];
    }
  });
}

/** The virtual node as DaemonSets select it. */
function daemonNodeOf(node: KubeObject): DaemonNode {
  const { taints = [] } = (node.spec ?? {}) as { taints?: readonly NodeTaint[] };
  return { name: node.metadata.name, labels: node.metadata.labels ?? {}, taints };
}

export interface AgentSetsOptions {
  readonly daemonSets: Pick<CollectionReader<KubeObject>, 'items' | 'resourceVersion'>;
  /** The virtual node; while it is not known, there are no agents. */
  readonly node: () => KubeObject | undefined;
  /** Namespaces whose DaemonSets may be in every cell. */
  readonly namespaces: readonly string[];
  /** The agents' pods that are there. */
  readonly pods?: () => readonly WirePod[];
  /** Told once of each that is in no cell, because what it asks for can not be counted. */
  readonly onLeftOut?: (daemonSet: string, error: unknown) => void;
}

/** The DaemonSets that are in every cell, by what is known of them now. */
export class AgentSets {
  readonly #options: AgentSetsOptions;
  #leftOut: ReadonlySet<string> = new Set();
  /** Looked up for every pod that gets a cell. */
  #known: { readonly version: string; readonly node: KubeObject | undefined; readonly wanted: readonly KubeObject[] };

  constructor(options: AgentSetsOptions) {
    this.#options = options;
    this.#known = { version: '', node: undefined, wanted: [] };
  }

  all(): readonly AgentSet[] {
    const leftOut = new Set<string>();
    const sets = countable(this.#wanted(), this.#options.pods?.() ?? [], ({ metadata }, error) => {
      const name = `${metadata.namespace}/${metadata.name}`;
      if (!this.#leftOut.has(name)) this.#options.onLeftOut?.(name, error);
      leftOut.add(name);
    });
    this.#leftOut = leftOut;
    return sets;
  }

  /** Of those, whose pod a taint would keep off the node though it is wanted there. */
  keptOffBy(taint: NodeTaint): readonly Pick<AgentSet, 'namespace' | 'name' | 'uid'>[] {
    return this.#wanted()
      .filter((one) => !(templateOf(one).spec?.tolerations ?? []).some((toleration) => tolerates(toleration, taint)))
      .map(({ metadata: { namespace = 'default', name, uid = '' } }) => ({ namespace, name, uid }));
  }

  #wanted(): readonly KubeObject[] {
    const { daemonSets, namespaces } = this.#options;
    const node = this.#options.node();
    const version = daemonSets.resourceVersion;
    if (this.#known.version === version && this.#known.node === node) return this.#known.wanted;
    const selected = node && daemonNodeOf(node);
    const wanted = [...daemonSets.items()]
      .filter((one) => isInjected(one, namespaces) && one.metadata.deletionTimestamp === undefined)
      .filter((one) => selected !== undefined && wantsPodOn(templateOf(one).spec ?? { containers: [] }, selected));
    this.#known = { version, node, wanted };
    return wanted;
  }
}

/** What agents request together. */
export function requestOf(agents: readonly Pick<AgentSet, 'request'>[]): Resources {
  return agents.map(({ request }) => request).reduce(add, NOTHING);
}

function templateRequest(daemonSet: KubeObject | undefined): Resources {
  try {
    return effectiveRequest(templateOf(daemonSet));
  } catch {
    return NOTHING;
  }
}

/**
 * What those agents of a class request together that are not in every cell anyway; one that does not exist, or that asks for
 * more than can be counted, takes no room.
 */
export function classAgentsRequest(
  { agents }: Pick<CellClassSpec, 'agents'>,
  daemonSets: DaemonSets,
  injected: readonly AgentSet[],
): Resources {
  return agents
    .filter((one) => !injected.some(({ namespace, name }) => one.namespace === namespace && one.daemonSet === name))
    .map(({ namespace, daemonSet }) => templateRequest(daemonSets.get(namespace, daemonSet)))
    .reduce(add, NOTHING);
}
