import { describe, expect, test } from 'vitest';
import {
  type AuditEvent,
  denials,
  PROVIDER_ACCOUNT,
  parseAuditLog,
  requestsOfProvider,
  THIEF_AGENT,
} from '../../support/audit.ts';

const asked: AuditEvent = {
  verb: 'get',
  requestReceivedTimestamp: '2026-01-01T00:00:00.000000Z',
  requestURI: '/api/v1/namespaces/kube-system',
  userAgent: 'nodeless/0.1.0 (replica)',
  user: { username: PROVIDER_ACCOUNT },
  objectRef: { resource: 'namespaces', name: 'kube-system', namespace: 'kube-system' },
  responseStatus: { code: 200 },
};

function denied(requestURI: string, more: Partial<AuditEvent> = {}): AuditEvent {
  return { ...asked, requestURI, responseStatus: { code: 403, message: 'no' }, ...more };
}

describe('the audit log', () => {
  test('is read up to its last whole line', () => {
    const line = JSON.stringify(asked);
    expect(parseAuditLog(`${line}\n${line}\n${line.slice(0, 20)}`)).toEqual([asked, asked]);
    expect(parseAuditLog('')).toEqual([]);
  });

  test('tells the provider’s requests from those of a thief, and of others', () => {
    const thief = { ...asked, userAgent: `${THIEF_AGENT} (reads a Secret)` };
    const other = { ...asked, user: { username: 'kubernetes-admin' } };
    expect(requestsOfProvider([asked, thief, other])).toEqual([asked]);
  });

  test('tells each denied request once, with whom it was made as', () => {
    const impersonatedUser = { username: 'system:node:n' };
    const events = [asked, denied('/a?x=1'), denied('/b', { impersonatedUser }), denied('/a?x=2')];
    expect(denials(events)).toEqual(['get /a: no (2 times)', 'get /b as system:node:n: no']);
  });

  test('is not read for refusals that no right would have prevented', () => {
    const code = 403;
    const gone =
      'secrets "s" is forbidden: User "n" cannot get it: no relationship found between node \'n\' and this object';
    const impersonatedUser = { username: 'system:node:n' };
    expect(denials([denied('/a', { impersonatedUser, responseStatus: { code, message: gone } })])).toEqual([]);
    expect(denials([denied('/a', { responseStatus: { code, message: gone } })])).toHaveLength(1);
    const going = 'events "e" is forbidden: unable to create new content in namespace n because it is being terminated';
    expect(denials([denied('/a', { responseStatus: { code, message: going } })])).toEqual([]);
  });

  test('is not read for a refusal after which the same was let through: the roles had not been read yet', () => {
    const at = (second: number) => ({ requestReceivedTimestamp: `2026-01-01T00:00:0${second}.000000Z` });
    const allowed = { responseStatus: { code: 200 } };
    const refused = denied('/a?watch=1', at(1));
    expect(denials([refused, denied('/a?watch=2', { ...at(2), ...allowed })])).toEqual([]);
    expect(denials([refused, denied('/a', { ...at(0), ...allowed })])).toHaveLength(1);
    expect(denials([refused, denied('/b', { ...at(2), ...allowed })])).toHaveLength(1);
    const asNode = { impersonatedUser: { username: 'system:node:n' } };
    expect(denials([refused, denied('/a', { ...at(2), ...allowed, ...asNode })])).toHaveLength(1);
    const message = 'users "system:node:n" is forbidden: User "p" cannot impersonate resource "users" in API group ""';
    const unread = denied('/a', { ...at(1), responseStatus: { code: 403, message } });
    expect(denials([unread, denied('/a', { ...at(2), ...allowed })])).toHaveLength(1);
    expect(denials([unread, denied('/a', { ...at(2), ...allowed, ...asNode })])).toEqual([]);
  });
});
