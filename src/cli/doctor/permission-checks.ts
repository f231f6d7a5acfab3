import { zonesOf } from '../../core/names.ts';
import { installedConfig } from '../../install/configuration.ts';
import { installObjects } from '../../install/objects.ts';
import { lacking, type Need, needText } from '../../install/permissions.ts';
import { call } from '../../kube/calls.ts';
import type { KubeObject } from '../../kube/objects.ts';
import { type Finding, failed, ok, type Patient, warning } from './finding.ts';

const REVIEWS = '/apis/authorization.k8s.io/v1/subjectaccessreviews';

interface Rule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** Everything that the roles among objects grant, one by one. Pure. */
export function needsOfRoles(objects: readonly KubeObject[]): readonly Need[] {
  const roles = objects.filter(({ kind }) => kind === 'ClusterRole' || kind === 'Role');
  return roles.flatMap(({ metadata, rules }) =>
    ((rules ?? []) as readonly Rule[]).flatMap(({ apiGroups = [], resources = [], resourceNames, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((whole) => {
          const [resource = '', subresource] = whole.split('/');
          const names = resourceNames === undefined ? [{}] : resourceNames.map((name) => ({ name }));
          const namespace = metadata.namespace === undefined ? {} : { namespace: metadata.namespace };
          const kind = { group, resource, ...(subresource === undefined ? {} : { subresource }), ...namespace };
          return verbs.flatMap((verb) => names.map((name) => ({ ...kind, ...name, verb })));
        }),
      ),
    ),
  );
}

/** What whoever runs the doctor needs for it, and for the other commands. */
const OWN: readonly Need[] = [
  { group: '', resource: 'nodes', verb: 'list' },
  { group: '', resource: 'pods', verb: 'list' },
  { group: '', resource: 'pods', subresource: 'log', verb: 'get' },
  { group: 'nodeless.io', resource: 'cells', verb: 'list' },
  { group: 'certificates.k8s.io', resource: 'certificatesigningrequests', verb: 'list' },
  { group: 'authorization.k8s.io', resource: 'subjectaccessreviews', verb: 'create' },
];

/** Whether this kubeconfig's user may look at all of it. */
export async function ownPermissions({ client }: Patient): Promise<Finding> {
  const missing = await lacking(client, OWN);
  return missing.length === 0
    ? ok('your permissions', 'you may look at everything')
    : warning('your permissions', `you may not ${missing.join(', ')}`, 'use the kubeconfig of an administrator');
}

/** What the provider needs by the roles that this version ships; with a configuration, one that runs in the cluster. */
export async function providerNeeds(
  { virtualNode, namespace, nodes }: Pick<Patient, 'virtualNode' | 'namespace' | 'nodes'>,
  config: object | undefined,
): Promise<readonly Need[]> {
  const names = { virtualNode, namespace };
  if (config !== undefined)
    return needsOfRoles(await installObjects({ ...names, provider: { image: 'any', replicas: 1, config } }));
  const needs = needsOfRoles(await installObjects({ ...names, zones: zonesOf(virtualNode, nodes) }));
  // Which signer one has that runs elsewhere is not known here; its requests tell whether it may approve them.
  return needs.filter(({ resource }) => resource !== 'signers');
}

/** Whether the provider's service account may do all that this version ships the roles for. */
export async function providerPermissions(patient: Patient): Promise<Finding> {
  const { client, namespace } = patient;
  const needs = await providerNeeds(patient, await installedConfig(patient));
  const user = `system:serviceaccount:${namespace}:nodeless`;
  const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'];
  const answers = await Promise.all(
    needs.map(async (need) => {
      const body = {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: { user, groups, resourceAttributes: need },
      };
      const { status } = await call<{ status: { allowed: boolean } }>(client, { method: 'POST', path: REVIEWS, body });
      return status.allowed ? [] : [needText(need)];
    }),
  );
  const missing = answers.flat();
  return missing.length === 0
    ? ok('permissions', `${user} may do all ${needs.length} things that it needs`)
    : failed(
        'permissions',
        `${user} may not ${missing.join(', ')}`,
        'run nodeless install of this version, with the flags of the last time',
      );
}
