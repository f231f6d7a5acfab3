import type { WirePod } from '../kube/wire-pod.ts';
import type { AgentSet } from '../placement/agents.ts';
import { daemonSetOwnerOf } from '../placement/place.ts';

/** The agents of one moment, which are the same for every cell. */
export interface AgentSight {
  /** Required ones first, for who is not is not to have the place of one that is; then older ones, so that the same have their places after a restart. */
  readonly agents: readonly WirePod[];
  /** Uids of those that pods wait for. */
  readonly required: ReadonlySet<string>;
}

/** The agents in the order in which they get their places. */
export function sightOf(pods: readonly WirePod[], requiredSets: readonly Pick<AgentSet, 'uid'>[]): AgentSight {
  const uidsOfSets = new Set(requiredSets.map(({ uid }) => uid));
  const required = pods.filter((pod) => uidsOfSets.has(daemonSetOwnerOf(pod)?.uid ?? ''));
  const uids = new Set(required.map(({ metadata }) => metadata.uid ?? ''));
  const key = ({ metadata: { uid = '', creationTimestamp = '' } }: WirePod) =>
    `${uids.has(uid) ? 'required' : 'second'} ${creationTimestamp} ${uid}`;
  const keyed = pods.map((pod) => ({ pod, key: key(pod) })).sort((a, b) => (a.key < b.key ? -1 : 1));
  return { agents: keyed.map(({ pod }) => pod), required: uids };
}
