import type { AuditEvent } from './audit.ts';

/** What every replica keeps up, with optimistic locks: the webhooks' certificates, and what API servers trust of them. */
function isOfWebhooks({ apiGroup = '', resource, name }: NonNullable<AuditEvent['objectRef']>): boolean {
  if (apiGroup === 'admissionregistration.k8s.io') return resource?.endsWith('webhookconfigurations') === true;
  return resource === 'secrets' && name?.startsWith('nodeless-webhook-') === true;
}

/**
 * What the leader alone may do. Every replica renews the node's lease, stands for election, serves the webhooks, and
 * asks questions that change nothing.
 */
function isLeadersOwn({ verb, objectRef }: AuditEvent): boolean {
  if (!['create', 'update', 'patch', 'delete', 'deletecollection'].includes(verb)) return false;
  const { resource = '', subresource } = objectRef ?? {};
  if (resource === 'leases' || subresource === 'token' || isOfWebhooks(objectRef ?? {})) return false;
  return !['tokenreviews', 'subjectaccessreviews'].includes(resource);
}

/**
 * The User-Agents of those who wrote as leaders, in turn: one entry for each time that the writer changed. Two leaders
 * at once show as one who comes back without having been made the leader again.
 */
export function writersInTurn(events: readonly AuditEvent[]): readonly string[] {
  const writes = events
    .filter(isLeadersOwn)
    .toSorted((a, b) => (a.requestReceivedTimestamp ?? '').localeCompare(b.requestReceivedTimestamp ?? ''));
  const turns: string[] = [];
  for (const { userAgent = '' } of writes) if (turns.at(-1) !== userAgent) turns.push(userAgent);
  return turns;
}
