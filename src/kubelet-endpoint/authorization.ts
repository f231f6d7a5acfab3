import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { call } from '../kube/calls.ts';
import type { KubeClient } from '../kube/client.ts';
import type { UserInfo } from './authentication.ts';
import { createExpiringCache } from './expiring-cache.ts';
import type { Subresource } from './route.ts';

type Verdict =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly status: 403 | 500; readonly text: string; readonly cause?: string };

/** Asks whether a user may do this to one of the node's subresources; the first that is allowed settles it. */
export type Authorize = (user: UserInfo, method: string, subresources: readonly Subresource[]) => Promise<Verdict>;

/** As a kubelet: `authorization.webhook.cacheAuthorizedTTL` and `cacheUnauthorizedTTL`. */
const ALLOWED_TTL_MS = 300_000;
const DENIED_TTL_MS = 30_000;
const MAX_VERDICTS = 4_096;

const VERBS: Readonly<Record<string, string>> = {
  POST: 'create',
  GET: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** The API verb of an HTTP method; empty, and so only allowed by `*`, for any that a kubelet does not map. */
function verbOf(method: string): string {
  return VERBS[method] ?? '';
}

/** Authorization by SubjectAccessReview on `nodes/<subresource>` of one node. */
export function createAuthorization(client: KubeClient, nodeName: string, clock: Clock): Authorize {
  const verdicts = createExpiringCache<boolean>(clock, MAX_VERDICTS);

  async function review(user: UserInfo, verb: string, subresource: Subresource): Promise<boolean> {
    const answer = await call<{ readonly status?: { readonly allowed?: boolean } }>(client, {
      method: 'POST',
      path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: {
          user: user.username,
          groups: user.groups,
          uid: user.uid,
          extra: user.extra,
          resourceAttributes: { verb, version: 'v1', resource: 'nodes', subresource, name: nodeName },
        },
      },
      timeoutMs: 10_000,
    });
    return answer.status?.allowed === true;
  }

  return async (user, method, subresources) => {
    const verb = verbOf(method);
    const told = `user=${user.username}, verb=${verb}, resource=nodes`;
    for (const subresource of subresources) {
      const key = JSON.stringify([user.username, user.uid, user.groups, user.extra, verb, subresource]);
      try {
        const allowed = await verdicts.get(key, async () => {
          const value = await review(user, verb, subresource);
          return { value, ttlMs: value ? ALLOWED_TTL_MS : DENIED_TTL_MS };
        });
        if (allowed) return { allowed: true };
      } catch (error) {
        const text = `Authorization error (${told}, subresource=${subresource})`;
        return { allowed: false, status: 500, text, cause: messageOf(error) };
      }
    }
    return { allowed: false, status: 403, text: `Forbidden (${told}, subresource(s)=[${subresources.join(' ')}])\n` };
  };
}
