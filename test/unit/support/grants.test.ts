import { describe, expect, test } from 'vitest';
import { installObjects } from '../../../src/install/objects.ts';
import { type AuditEvent, PROVIDER_ACCOUNT } from '../../support/audit.ts';
import { grantsOf, unusedGrants } from '../../support/grants.ts';

type Asked = Partial<Omit<AuditEvent, 'user' | 'verb'>>;

function event(verb: string, objectRef: AuditEvent['objectRef'], more: Asked = {}): AuditEvent {
  const at = { requestReceivedTimestamp: '2026-01-01T00:00:00.000000Z', requestURI: '' };
  const asked = { ...at, verb, user: { username: PROVIDER_ACCOUNT }, responseStatus: { code: 200 } };
  return { ...asked, ...(objectRef === undefined ? {} : { objectRef }), ...more };
}

function roleOf(namespace: string | undefined, ...rules: readonly object[]) {
  const metadata = { name: 'r', ...(namespace === undefined ? {} : { namespace }) };
  return grantsOf([
    { apiVersion: 'v1', kind: namespace === undefined ? 'ClusterRole' : 'Role', metadata, rules } as never,
  ]);
}

const CELLS = { apiGroups: ['nodeless.io'], resources: ['cells'], verbs: ['create', 'patch'] };
const cell = { apiGroup: 'nodeless.io', resource: 'cells', name: 'c' };

describe('a grant', () => {
  test('is one verb on one resource, and on one name where names are given', () => {
    const names = { apiGroups: [''], resources: ['nodes', 'pods'], resourceNames: ['a', 'b'], verbs: ['get', 'list'] };
    expect(roleOf(undefined, names)).toHaveLength(8);
    expect(unusedGrants(roleOf(undefined, names), [])).toContain('ClusterRole/r: list pods b');
  });

  test('is used by a request of its verb, group and resource, and by no other', () => {
    const patched = event('patch', cell);
    expect(unusedGrants(roleOf(undefined, CELLS), [patched])).toEqual(['ClusterRole/r: create cells.nodeless.io']);
    const others = [
      event('get', cell),
      event('patch', { ...cell, apiGroup: 'other.io' }),
      event('patch', { ...cell, subresource: 'status' }),
    ];
    expect(unusedGrants(roleOf(undefined, CELLS), others)).toHaveLength(2);
  });

  test('is not used by a request that was denied', () => {
    const refused = event('patch', cell, { responseStatus: { code: 403 } });
    expect(unusedGrants(roleOf(undefined, CELLS), [refused])).toHaveLength(2);
  });

  test('to create is used by a patch that made its object', () => {
    const made = event('patch', cell, { responseStatus: { code: 201 } });
    expect(unusedGrants(roleOf(undefined, CELLS), [made])).toEqual([]);
  });

  test('of one name or namespace is used there alone', () => {
    const rule = { apiGroups: [''], resources: ['secrets'], resourceNames: ['mine'], verbs: ['get'] };
    const grants = roleOf('here', rule);
    const get = (name: string, namespace: string) => event('get', { resource: 'secrets', name, namespace });
    expect(unusedGrants(grants, [get('other', 'here'), get('mine', 'there')])).toHaveLength(1);
    expect(unusedGrants(grants, [get('mine', 'here')])).toEqual([]);
  });

  test('to impersonate is used by a request as that user and those groups, which uses nothing else', () => {
    const users = { apiGroups: [''], resources: ['users'], resourceNames: ['system:node:n'], verbs: ['impersonate'] };
    const groups = { apiGroups: [''], resources: ['groups'], resourceNames: ['system:nodes'], verbs: ['impersonate'] };
    const grants = roleOf(undefined, users, groups, CELLS);
    const impersonatedUser = { username: 'system:node:n', groups: ['system:nodes', 'system:authenticated'] };
    const made = event('patch', cell, { impersonatedUser, responseStatus: { code: 201 } });
    expect(unusedGrants(grants, [made])).toEqual([
      'ClusterRole/r: create cells.nodeless.io',
      'ClusterRole/r: patch cells.nodeless.io',
    ]);
  });

  test('to approve for a signer is used by an approval', () => {
    const rule = {
      apiGroups: ['certificates.k8s.io'],
      resources: ['signers'],
      resourceNames: ['s'],
      verbs: ['approve'],
    };
    const approval = {
      apiGroup: 'certificates.k8s.io',
      resource: 'certificatesigningrequests',
      subresource: 'approval',
    };
    expect(unusedGrants(roleOf(undefined, rule), [event('update', { ...approval, name: 'csr' })])).toEqual([]);
  });
});

test('every rule that is shipped is read, and a provider that does nothing uses none', async () => {
  const objects = await installObjects({ virtualNode: 'nodeless', namespace: 'nodeless-system' });
  const unused = unusedGrants(grantsOf(objects), []);
  expect(unused).toContain('ClusterRole/nodeless:nodeless: impersonate users system:node:nodeless');
  expect(unused).toContain('Role/nodeless:nodeless: update leases.coordination.k8s.io nodeless-nodeless');
  expect(unused).toHaveLength(grantsOf(objects).length);
});
