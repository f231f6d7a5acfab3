import { zonesOf } from '../core/names.ts';
import { call } from '../kube/calls.ts';
import type { KubeClient } from '../kube/client.ts';
import type { KubeObject } from '../kube/objects.ts';
import { installObjects } from './objects.ts';
import type { Survey } from './survey.ts';

interface Leaving {
  readonly virtualNode: string;
  readonly namespace: string;
  readonly found: Pick<Survey, 'nodes' | 'others' | 'namespaceIs'>;
}

function keyOf({ apiVersion, kind, metadata }: KubeObject): string {
  return [apiVersion, kind, metadata.namespace, metadata.name].join(' ');
}

async function allOf(virtualNode: string, namespace: string, nodes: readonly string[]): Promise<readonly KubeObject[]> {
  const zones = zonesOf(virtualNode, nodes);
  const config = { provider: 'simulated', virtualNode: { name: virtualNode }, zones: { names: zones } };
  return installObjects({
    virtualNode,
    namespace,
    zones,
    monitors: true,
    provider: { image: 'any', replicas: 1, config },
  });
}

/** Names that no virtual node has, to tell what all of them share. */
const NOBODY = { virtualNode: 'nobody', namespace: 'nowhere' };

/**
 * What goes with a virtual node, in the order in which it goes: what was installed for it alone; with the last one of its
 * namespace what those share, and with the last one of all what is the cluster's.
 */
export async function uninstallObjects({ virtualNode, namespace, found }: Leaving): Promise<{
  readonly objects: readonly KubeObject[];
  readonly isLastHere: boolean;
}> {
  const isLastHere = !Object.values(found.others).includes(namespace);
  const isLast = Object.keys(found.others).length === 0;
  const ofNamespace = new Set((await allOf(NOBODY.virtualNode, namespace, [])).map(keyOf));
  const ofCluster = new Set((await allOf(NOBODY.virtualNode, NOBODY.namespace, [])).map(keyOf));
  const all = await allOf(virtualNode, namespace, found.nodes);
  const goes = (object: KubeObject) => {
    if (object.kind === 'Namespace' && found.namespaceIs !== 'made') return false;
    const key = keyOf(object);
    return ofCluster.has(key) ? isLast : ofNamespace.has(key) ? isLastHere : true;
  };
  return { objects: all.filter(goes).toReversed(), isLastHere };
}

/** Why the namespace stays, in words: somebody else has made it, or has pods in it. */
export async function keptAfter(
  client: KubeClient,
  namespace: string,
  { namespaceIs }: Pick<Survey, 'namespaceIs'>,
): Promise<readonly string[]> {
  if (namespaceIs === 'foreign') return [`namespace ${namespace}, for nodeless install has not made it`];
  const query = { labelSelector: 'app.kubernetes.io/name!=nodeless' };
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const { items } = await call<{ items: readonly KubeObject[] }>(client, { method: 'GET', path, query });
  return items.length === 0
    ? []
    : [
        `namespace ${namespace}, for it has pods that are not ours: ${items.map(({ metadata }) => metadata.name).join(', ')}`,
      ];
}
