import { NodelessError } from '../core/errors.ts';
import type { KubeClient, KubeRequest } from './client.ts';

/** Questions that are asked by POST and change nothing in the cluster. */
const QUESTIONS = /\/(tokenreviews|subjectaccessreviews|serviceaccounts\/[^/]+\/token)$/;

function writes({ method, path }: KubeRequest): boolean {
  return method !== 'GET' && !(method === 'POST' && QUESTIONS.test(path));
}

/**
 * A client that writes nothing while `mayAct` is false: a replica that was frozen past its lease may wake up in the
 * middle of anything. Reading goes on. @throws NodelessError NotLeading (retryable) in place of a write
 */
export function fenced(client: KubeClient, mayAct: () => boolean): KubeClient {
  return {
    async request(request) {
      if (!writes(request) || mayAct()) return client.request(request);
      const { method, path } = request;
      const message = `${method} ${path} was not sent: this replica can not renew its lease, so another may lead`;
      throw new NodelessError({ code: 'NotLeading', retryable: true, message, identity: { path } });
    },
    stream: (request) => client.stream(request),
    as: (identity) => fenced(client.as(identity), mayAct),
    close: () => client.close(),
  };
}
