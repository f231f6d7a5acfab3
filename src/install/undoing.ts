import type { KubeObject } from '../kube/objects.ts';

interface ClientConfig {
  readonly url?: string;
  readonly service?: { readonly name: string; readonly namespace: string };
}

interface Rule {
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** What an installation can take back of an earlier one: where webhooks are called, and which nodes have grants. */
export const UNDOABLE_KINDS = [
  'MutatingWebhookConfiguration',
  'ValidatingWebhookConfiguration',
  'ClusterRole',
] as const;

const NODE_USER = 'system:node:';

function calledAt({ url, service }: ClientConfig): string {
  // Without what tells the webhooks of one place apart.
  if (url !== undefined) return url.replace(/\/(mutate|validate)(\/[^/]*)?$/, '');
  return `the Service ${service?.namespace}/${service?.name}`;
}

/** Where API servers call the webhooks of a configuration. */
function placesOf(object: KubeObject): readonly string[] {
  const webhooks = (object.webhooks ?? []) as readonly { readonly clientConfig: ClientConfig }[];
  return [...new Set(webhooks.map(({ clientConfig }) => calledAt(clientConfig)))];
}

/** The nodes that a role lets the provider be. */
export function nodesOf(object: KubeObject): readonly string[] {
  const users = ((object.rules ?? []) as readonly Rule[]).filter(({ resources = [] }) => resources.includes('users'));
  const names = users.flatMap(({ resourceNames = [] }) => resourceNames);
  return names.filter((name) => name.startsWith(NODE_USER)).map((name) => name.slice(NODE_USER.length));
}

function change(before: KubeObject, after: KubeObject): readonly string[] {
  const places = placesOf(after);
  const left = placesOf(before).filter((place) => !places.includes(place));
  const nodes = nodesOf(after);
  const lost = nodesOf(before).filter((node) => !nodes.includes(node));
  return [
    ...left.map((place) => `the webhooks are called at ${places.join(' and ')} instead of ${place}`),
    ...lost.map((node) => `the virtual node ${node} loses its grants`),
  ];
}

/** What an earlier installation set up that the next one takes back, in words; a provider that relies on it would be cut off. */
export function undoneBy(standing: readonly KubeObject[], next: readonly KubeObject[]): readonly string[] {
  const lines = standing.flatMap((before) => {
    const after = next.find(({ kind, metadata }) => kind === before.kind && metadata.name === before.metadata.name);
    return after === undefined ? [] : change(before, after);
  });
  return [...new Set(lines)];
}
