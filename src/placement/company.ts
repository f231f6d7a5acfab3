import type { V1LabelSelector, V1PodAffinityTerm } from '@kubernetes/client-node';
import { HOSTNAME_LABEL, parseConstraints } from '../core/constraints.ts';
import { type LabelSelector, selects } from '../core/label-selector.ts';
import { CONSTRAINTS_ANNOTATION } from '../core/names.ts';
import type { WirePod } from '../kube/wire-pod.ts';

const NAMESPACE_LABEL = 'kubernetes.io/metadata.name';

type Labels = Readonly<Record<string, string>>;

/** Whether labels meet a label selector; none selects nothing, an empty one everything. */
function selectorMatches(selector: V1LabelSelector | undefined, labels: Labels): boolean {
  return selector !== undefined && selector !== null && selects(selector as LabelSelector, labels);
}

/** Whether a term of a pod looks at its own namespace; cells are shared by no others. */
function looksAtOwnNamespace(term: V1PodAffinityTerm, namespace: string): boolean {
  const { namespaces = [], namespaceSelector } = term;
  if (namespaces.length === 0 && namespaceSelector === undefined) return true;
  return namespaces.includes(namespace) || selectorMatches(namespaceSelector, { [NAMESPACE_LABEL]: namespace });
}

function byHost(terms: readonly V1PodAffinityTerm[] | undefined): Terms {
  return (terms ?? []).filter(({ topologyKey }) => topologyKey === HOSTNAME_LABEL);
}

type Terms = readonly V1PodAffinityTerm[];

/** Objects never change, and each is looked at with many others. */
function remembered(read: (pod: WirePod) => Terms): (pod: WirePod) => Terms {
  const known = new WeakMap<WirePod, Terms>();
  return (pod) => {
    const terms = known.get(pod) ?? read(pod);
    known.set(pod, terms);
    return terms;
  };
}

/** The terms of a pod that require others on its host. */
export const wantedCompany = remembered((pod) =>
  byHost(pod.spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
);

/** What routing has lifted from the spec. An annotation that can't be read is told of by placement. */
function readLifted(pod: WirePod): Terms {
  try {
    const { apart = [] } = parseConstraints(pod.metadata.annotations?.[CONSTRAINTS_ANNOTATION]);
    return apart as unknown as readonly V1PodAffinityTerm[];
  } catch {
    return [];
  }
}

/** The terms of a pod that forbid others on its host. */
const shunnedCompany = remembered((pod) => [
  ...byHost(pod.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
  ...readLifted(pod),
]);

/** Whether another pod has the labels that a term takes from its own pod; the API server has merged those of the spec. */
function hasKeysOf(term: V1PodAffinityTerm, holder: WirePod, other: WirePod): boolean {
  const { labels: own = {} } = holder.metadata;
  const has = (keys: readonly string[] | undefined) => (keys ?? []).filter((label) => own[label] !== undefined);
  const same = (label: string) => own[label] === other.metadata.labels?.[label];
  return has(term.matchLabelKeys).every(same) && !has(term.mismatchLabelKeys).some(same);
}

/** Whether a term of one pod is about another. */
function isAbout(term: V1PodAffinityTerm, holder: WirePod, other: WirePod): boolean {
  const namespace = holder.metadata.namespace ?? 'default';
  if ((other.metadata.namespace ?? 'default') !== namespace || !looksAtOwnNamespace(term, namespace)) return false;
  return selectorMatches(term.labelSelector, other.metadata.labels ?? {}) && hasKeysOf(term, holder, other);
}

/** Whether a pod has what another requires on its host: the scheduler counts pods that meet all the terms. */
export function isMateOf(pod: WirePod, other: WirePod): boolean {
  const terms = wantedCompany(pod);
  return terms.length > 0 && terms.every((term) => isAbout(term, pod, other));
}

/** The first of these pods that a pod may not share a host with, by its own word or the other's. */
export function foeAmong(pods: readonly WirePod[], pod: WirePod): WirePod | undefined {
  const shuns = (one: WirePod, other: WirePod) => shunnedCompany(one).some((term) => isAbout(term, one, other));
  return pods.find((other) => shuns(pod, other) || shuns(other, pod));
}

/** A kubelet takes 110 pods by default. More are not gathered; they wait for room. */
const MAX_COMPANY = 100;

/**
 * Of pods that wait, those that go on a founder's host with it: each has its mate there, and no foe. Each comes after its
 * mate, and is compared once with each that has a place.
 * @param suits whether a pod may be on the founder's machine by what it is itself
 */
export function companyFor(
  founder: WirePod,
  waiting: readonly WirePod[],
  suits: (pod: WirePod) => boolean = () => true,
): readonly WirePod[] {
  const host = [founder];
  let left = waiting.filter((pod) => pod !== founder && wantedCompany(pod).length > 0);
  // The host grows while it is gone through.
  for (const mate of host) {
    const stay: WirePod[] = [];
    for (const pod of left) {
      if (host.length > MAX_COMPANY) break;
      if (!isMateOf(pod, mate)) stay.push(pod);
      else if (foeAmong(host, pod) === undefined && suits(pod)) host.push(pod);
    }
    if (host.length > MAX_COMPANY) break;
    left = stay;
  }
  return host.slice(1);
}
