import { clusterFacts } from '../../../webhooks/cluster/cluster-facts.ts';
import type { AdmittedPod } from '../../../webhooks/routing/admitted-pod.ts';
import { selectsVirtualNode, toleratesVirtualNode } from '../../../webhooks/routing/keeping-off.ts';
import { type Route, route } from '../../../webhooks/routing/route.ts';
import { refusalOf } from '../../../webhooks/validation/pod.ts';
import type { Config } from '../../config/schema.ts';
import type { WirePod } from '../../kube/wire-pod.ts';
import type { CellClasses } from '../../placement/cell-classes.ts';
import { classFacts } from '../../placement/class-facts.ts';
import { routingTarget } from '../../routing-target.ts';
import type { Facts } from './facts.ts';

/** What routing makes of a pod: its verdict, and the pod as it is then. */
export interface Routing {
  readonly verdict: Route['verdict'];
  /** Why admission refuses the pod; undefined where it lets it in. */
  readonly refusal?: string;
  /** It is for the virtual node by its own spec: names it, so that no scheduler has a say, or is untouched and selects it. */
  readonly isBound: boolean;
  /** It selects the virtual node, which it can not be on: no node is left for it. */
  readonly isStranded: boolean;
  readonly pod: WirePod;
}

export type Router = (pod: WirePod) => Routing;

/** Routes pods as the webhook does, by what is known of the cluster. */
export function routerOf(config: Config, facts: Facts, classes: CellClasses): Router {
  const target = routingTarget(config, '');
  const rules = {
    ...config.routing,
    excludedNamespaces: [...config.routing.excludedNamespaces, config.cluster.namespace],
  };
  const known = clusterFacts(facts, target, classFacts(classes));
  return (pod) => {
    const { namespace = 'default' } = pod.metadata;
    const asked = { pod: pod as AdmittedPod, namespace, rules, facts: known };
    const { verdict, after } = route(asked);
    const refusal = refusalOf(asked, verdict);
    const { annotations, nodeSelector, tolerations, affinity, topologySpreadConstraints } = after;
    const fields = { nodeSelector, tolerations, affinity, topologySpreadConstraints } as Partial<WirePod['spec']>;
    const isNamed = target.nodes.some(({ name }) => name === pod.spec.nodeName);
    const isSelecting = selectsVirtualNode(after, target);
    const isUntouched = verdict.decision === 'untouched';
    const isBound = isNamed || (isUntouched && isSelecting && toleratesVirtualNode(after, target));
    return {
      verdict,
      isBound,
      isStranded: isSelecting && !isBound && (isUntouched || verdict.decision === 'leave'),
      ...(refusal === undefined ? {} : { refusal }),
      pod: { ...pod, metadata: { ...pod.metadata, annotations: { ...annotations } }, spec: { ...pod.spec, ...fields } },
    };
  };
}
