import type { V1PolicyRule } from '@kubernetes/client-node';
import type { KubeObject } from '../../src/kube/objects.ts';
import type { AuditEvent } from './audit.ts';

/** The smallest thing that a rule grants: one verb on one resource, with one name where names are given. */
export interface Grant {
  /** `ClusterRole/name` or `Role/name`. */
  readonly role: string;
  /** Of a Role; a ClusterRole reaches everywhere. */
  readonly namespace?: string;
  readonly group: string;
  /** With its subresource, as `pods/status`. */
  readonly resource: string;
  readonly verb: string;
  readonly name?: string;
}

/** What a request needed to be allowed. */
type Need = Omit<Grant, 'role'>;

interface Role extends KubeObject {
  readonly rules?: readonly V1PolicyRule[];
}

function grantsOfRule(rule: V1PolicyRule, role: Pick<Grant, 'role' | 'namespace'>): readonly Grant[] {
  const { apiGroups = [], resources = [], verbs, resourceNames } = rule;
  const names =
    resourceNames === undefined || resourceNames.length === 0 ? [{}] : resourceNames.map((name) => ({ name }));
  return apiGroups.flatMap((group) =>
    resources.flatMap((resource) =>
      verbs.flatMap((verb) => names.map((name) => ({ ...role, group, resource, verb, ...name }))),
    ),
  );
}

/** Everything that the roles among these objects grant. */
export function grantsOf(objects: readonly KubeObject[]): readonly Grant[] {
  return objects
    .filter(({ kind }) => kind === 'ClusterRole' || kind === 'Role')
    .flatMap((object) => {
      const { name = '', namespace } = object.metadata ?? {};
      const role = { role: `${object.kind}/${name}`, ...(namespace === undefined ? {} : { namespace }) };
      return ((object as Role).rules ?? []).flatMap((rule) => grantsOfRule(rule, role));
    });
}

/** An impersonation needs its user and each group granted; `system:authenticated` comes by itself. */
function impersonationNeeds({ impersonatedUser }: AuditEvent): readonly Need[] {
  if (impersonatedUser === undefined) return [];
  const { username, groups = [] } = impersonatedUser;
  const asked = groups.filter((group) => group !== 'system:authenticated');
  return [
    { group: '', resource: 'users', verb: 'impersonate', name: username },
    ...asked.map((name) => ({ group: '', resource: 'groups', verb: 'impersonate', name })),
  ];
}

/** What a request needed of its real user's roles. An impersonated one is judged as that user, so it needs no more. */
export function needsOf(event: AuditEvent): readonly Need[] {
  const { objectRef, verb, responseStatus, impersonatedUser } = event;
  const impersonation = impersonationNeeds(event);
  if (impersonatedUser !== undefined || objectRef?.resource === undefined) return impersonation;
  const { apiGroup: group = '', subresource, namespace, name } = objectRef;
  const resource = subresource === undefined ? objectRef.resource : `${objectRef.resource}/${subresource}`;
  const need = {
    group,
    resource,
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
  };
  // A patch that made its object was asked for `create` as well, and an approval for `approve` of the request's signer.
  const creation = verb === 'patch' && responseStatus?.code === 201 ? [{ ...need, verb: 'create' }] : [];
  const approval =
    resource === 'certificatesigningrequests/approval' ? [{ group, resource: 'signers', verb: 'approve' }] : [];
  return [{ ...need, verb }, ...creation, ...approval];
}

function allows(grant: Grant, need: Need): boolean {
  return (
    grant.group === need.group &&
    grant.resource === need.resource &&
    grant.verb === need.verb &&
    (grant.namespace === undefined || grant.namespace === need.namespace) &&
    // Which signer it was is in the request's object, which the log does not have.
    (grant.name === undefined || need.resource === 'signers' || grant.name === need.name)
  );
}

/** The grants that no request which was let through has needed, in words. */
export function unusedGrants(grants: readonly Grant[], events: readonly AuditEvent[]): readonly string[] {
  const needs = events.filter(({ responseStatus }) => responseStatus?.code !== 403).flatMap(needsOf);
  return grants
    .filter((grant) => !needs.some((need) => allows(grant, need)))
    .map(({ role, verb, resource, group, name }) => {
      const what = group === '' ? resource : `${resource}.${group}`;
      return `${role}: ${verb} ${what}${name === undefined ? '' : ` ${name}`}`;
    });
}
