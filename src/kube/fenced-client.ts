import { NodelessError } from '../core/errors.ts';
import { type KubeClient, type KubeRequest, REQUEST_TIMEOUT_MS } from './client.ts';

/** Questions that are asked by POST and change nothing in the cluster. */
const QUESTIONS = /\/(tokenreviews|subjectaccessreviews|serviceaccounts\/[^/]+\/token)$/;

function writes({ method, path }: KubeRequest): boolean {
  return method !== 'GET' && !(method === 'POST' && QUESTIONS.test(path));
}

/**
 * A client that writes only while `heldForMs` is positive, and gives a write up when that time is over: a replica that
 * was frozen past its lease may wake up in the middle of anything. Reading goes on. What the API server has received
 * but not yet applied by then can't be called back.
 * @throws NodelessError NotLeading (retryable) in place of a write
 */
export function fenced(client: KubeClient, heldForMs: () => number): KubeClient {
  return {
    async request(request) {
      if (!writes(request)) return client.request(request);
      // Timers take whole milliseconds only.
      const heldMs = Math.floor(heldForMs());
      const { method, path, timeoutMs = REQUEST_TIMEOUT_MS } = request;
      if (heldMs > 0) return client.request({ ...request, timeoutMs: Math.min(timeoutMs, heldMs) });
      const message = `${method} ${path} was not sent: this replica can not renew its lease, so another may lead`;
      throw new NodelessError({ code: 'NotLeading', retryable: true, message, identity: { path } });
    },
    stream: (request) => client.stream(request),
    as: (identity) => fenced(client.as(identity), heldForMs),
    close: () => client.close(),
  };
}
