import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { clusterPaths } from '../../src/local-cluster/state.ts';

/** The user that the provider is to the API server, wherever it runs with what it ships. */
export const PROVIDER_ACCOUNT = 'system:serviceaccount:nodeless-system:nodeless';

/** A User-Agent that begins so is a test's own, which acts as somebody who has stolen the provider's credential. */
export const THIEF_AGENT = 'nodeless-test/thief';

/** Who asked for what, of the provider's requests alone: impersonated ones carry the provider as their user too. */
export const AUDIT_POLICY = stringify({
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata', users: [PROVIDER_ACCOUNT] }, { level: 'None' }],
});

/** One line of the API server's audit log, as far as the tests read it. */
export interface AuditEvent {
  readonly verb: string;
  readonly requestURI: string;
  readonly requestReceivedTimestamp?: string;
  readonly userAgent?: string;
  readonly user: { readonly username: string };
  readonly impersonatedUser?: { readonly username: string; readonly groups?: readonly string[] };
  readonly objectRef?: {
    readonly apiGroup?: string;
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code?: number; readonly message?: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The events of an audit log; its last line may still be being written. */
export function parseAuditLog(text: string): readonly AuditEvent[] {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AuditEvent);
}

/** What a local cluster that was brought up with the policy has logged until now. */
export async function readAuditLog(clusterName: string): Promise<readonly AuditEvent[]> {
  return parseAuditLog(await readFile(join(clusterPaths({ name: clusterName }).logDir, 'audit.log'), 'utf8'));
}

/** The requests that the provider itself made: neither a thief's nor anybody else's. */
export function requestsOfProvider(events: readonly AuditEvent[]): readonly AuditEvent[] {
  return events.filter(
    ({ user, userAgent = '' }) => user.username === PROVIDER_ACCOUNT && !userAgent.startsWith(THIEF_AGENT),
  );
}

/** Of a request whose impersonation itself was refused, the log has the user in the words of the refusal alone. */
const REFUSED_USER = /^users "([^"]+)" is forbidden: .* cannot impersonate /;

/** What was asked for, by whom, wherever in time. */
function requestOf({ verb, requestURI, impersonatedUser, responseStatus }: AuditEvent): string {
  const user = impersonatedUser?.username ?? REFUSED_USER.exec(responseStatus?.message ?? '')?.[1];
  const as = user === undefined ? '' : ` as ${user}`;
  return `${verb} ${requestURI.split('?')[0]}${as}`;
}

/** When each request was let through last. */
function lastAllowed(events: readonly AuditEvent[]): ReadonlyMap<string, string> {
  const last = new Map<string, string>();
  for (const event of events) {
    const { requestReceivedTimestamp: at = '', responseStatus } = event;
    const request = requestOf(event);
    if (responseStatus?.code !== 403 && at > (last.get(request) ?? '')) last.set(request, at);
  }
  return last;
}

/** True for the Node authorizer's refusal when the pod that referred to the object is gone already. */
function isOfGonePod({ impersonatedUser, responseStatus: { message = '' } = {} }: AuditEvent): boolean {
  return impersonatedUser !== undefined && message.includes(': no relationship found between node ');
}

/** True for what nobody may make any more, in a namespace that goes. */
function isOfGoingNamespace({ responseStatus: { message = '' } = {} }: AuditEvent): boolean {
  return /: unable to create new content in namespace \S+ because it is being terminated$/.test(message);
}

/**
 * Each request that authorization or admission has refused for good, in words, with how often. One that was let through
 * later lacked no right: an API server that has just begun has not read its roles yet.
 */
export function denials(events: readonly AuditEvent[]): readonly string[] {
  const counts = new Map<string, number>();
  const allowed = lastAllowed(events);
  for (const event of events) {
    const { requestReceivedTimestamp: at = '', responseStatus } = event;
    if (responseStatus?.code !== 403 || isOfGonePod(event) || isOfGoingNamespace(event)) continue;
    const request = requestOf(event);
    if ((allowed.get(request) ?? '') > at) continue;
    const words = `${request}: ${responseStatus.message ?? 'Forbidden'}`;
    counts.set(words, (counts.get(words) ?? 0) + 1);
  }
  return [...counts].map(([words, count]) => (count === 1 ? words : `${words} (${count} times)`));
}
