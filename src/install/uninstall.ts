import { AUTHORITY_SECRET, GROUP, leaseName, nodeUser, webhookSecretName } from '../core/names.ts';
import { call, getOrUndefined } from '../kube/calls.ts';
import type { KubeClient } from '../kube/client.ts';
import type { KubeObject } from '../kube/objects.ts';
import { Collections } from './collections.ts';
import { drain } from './drain.ts';
import { leadersOf } from './leaders.ts';
import { type Need, requireAll } from './permissions.ts';
import { keptAfter, uninstallObjects } from './removal.ts';
import { deploymentPath, hooksPath, survey } from './survey.ts';
import { remove, type Uninstallation } from './uninstallation.ts';
import { performed, untilClear } from './until-clear.ts';

/** The provider itself, which would make its Nodes and Secrets again. */
async function stopProvider(work: Uninstallation): Promise<void> {
  const { client, virtualNode, namespace, tell } = work;
  const { hasDeployment, nodes } = await performed(work, () => survey(client, work));
  if (hasDeployment) tell('the provider stops');
  const path = deploymentPath(namespace, virtualNode);
  await performed(work, () => remove(client, path, { propagationPolicy: 'Foreground' }));
  await untilClear(work, async () => {
    if ((await getOrUndefined(client, path)) !== undefined) return 'the provider is still stopping';
    const leaders = (await leadersOf(work, nodes)).filter((leader) => leader !== undefined);
    return leaders.length === 0 ? undefined : `a provider runs outside of the cluster (${leaders.join(', ')}): stop it`;
  });
}

interface SigningRequest extends KubeObject {
  readonly spec: { readonly username: string };
}

/** What the kubelet endpoints have asked to serve with; the cluster keeps such requests for an hour. */
async function removeSigningRequests(client: KubeClient, nodes: readonly string[]): Promise<void> {
  const users = nodes.map(nodeUser);
  const path = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
  const { items } = await call<{ items: readonly SigningRequest[] }>(client, { method: 'GET', path });
  for (const { metadata, spec } of items)
    if (users.includes(spec.username)) await remove(client, `${path}/${metadata.name}`);
}

/** What whoever uninstalls has to be allowed to do. */
async function needsOf(work: Uninstallation): Promise<readonly Need[]> {
  const { client, virtualNode, namespace } = work;
  const { objects } = await uninstallObjects({
    virtualNode,
    namespace,
    found: await survey(client, work),
  });
  const collections = new Collections(client);
  const places = await Promise.all(objects.map((object) => collections.find(object)));
  const removed = places.flatMap((place) => {
    if (place === undefined) return [];
    const { path: _, ...kind } = place;
    return [{ ...kind, verb: 'delete' }];
  });
  return [
    ...removed,
    { group: '', resource: 'nodes', verb: 'patch' },
    { group: '', resource: 'nodes', verb: 'delete' },
    { group: '', resource: 'pods', verb: 'list' },
    { group: '', resource: 'pods', subresource: 'eviction', verb: 'create' },
    { group: '', resource: 'secrets', verb: 'delete', namespace },
    { group: 'coordination.k8s.io', resource: 'leases', verb: 'delete', namespace },
    { group: 'coordination.k8s.io', resource: 'leases', verb: 'delete', namespace: 'kube-node-lease' },
    { group: 'certificates.k8s.io', resource: 'certificatesigningrequests', verb: 'list' },
    { group: 'certificates.k8s.io', resource: 'certificatesigningrequests', verb: 'delete' },
    { group: GROUP, resource: 'cells', verb: 'delete' },
  ];
}

/** @returns what was kept, in words */
async function removeObjects(work: Uninstallation): Promise<readonly string[]> {
  const { client, virtualNode, namespace, tell } = work;
  const surely = <T>(step: () => Promise<T>) => performed(work, step);
  const goes = (path: string) => surely(() => remove(client, path));
  const found = await surely(() => survey(client, work));
  const leases = `/apis/coordination.k8s.io/v1/namespaces`;
  for (const node of found.nodes) {
    tell(`Node ${node} goes`);
    await goes(`/api/v1/nodes/${node}`);
    await goes(`${leases}/kube-node-lease/leases/${node}`);
    await goes(`${leases}/${namespace}/leases/${leaseName(node)}`);
  }
  await surely(() => removeSigningRequests(client, found.nodes));
  const secrets = `/api/v1/namespaces/${namespace}/secrets`;
  await goes(`${secrets}/${webhookSecretName(virtualNode)}`);
  const { objects, isLastHere } = await uninstallObjects({ virtualNode, namespace, found });
  if (isLastHere) await goes(`${secrets}/${AUTHORITY_SECRET}`);
  const kept = isLastHere ? await surely(() => keptAfter(client, namespace, found)) : [];
  const collections = new Collections(client);
  const going: { path: string; name: string }[] = [];
  for (const object of objects) {
    if (object.kind === 'Namespace' && kept.length > 0) continue;
    const place = await surely(() => collections.find(object));
    if (place === undefined) continue;
    await goes(place.path);
    going.push({ path: place.path, name: `${object.kind}/${object.metadata.name}` });
  }
  tell(`${going.length} objects go`);
  await untilClear(work, async () => {
    for (const { path, name } of going)
      if ((await getOrUndefined(client, path)) !== undefined) return `${name} is still there`;
    return undefined;
  });
  return kept;
}

/**
 * Takes a virtual node out of a cluster: its pods elsewhere, its cells ended, and then everything that was installed for it
 * alone, and with the last one what all share. Whatever state it is in: a run that was interrupted is finished by the next.
 * @returns what was kept, in words
 * @throws NodelessError NotReady saying what is in the way
 */
export async function uninstall(work: Uninstallation): Promise<readonly string[]> {
  const { client, virtualNode, tell } = work;
  await requireAll(client, await needsOf(work), 'nodeless uninstall');
  tell('pods are routed no more');
  for (const kind of ['mutating', 'validating'] as const)
    await performed(work, () => remove(client, hooksPath(virtualNode, kind)));
  await drain(work);
  await stopProvider(work);
  return removeObjects(work);
}
