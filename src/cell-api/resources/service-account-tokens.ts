import type { WirePod } from '../../kube/wire-pod.ts';
import type { CellHandler } from '../context.ts';
import { relayed } from '../http/answer.ts';
import { isObject, type JsonObject, jsonBody } from '../http/body.ts';
import { forbidden } from '../http/refusal.ts';
import { pathOf } from '../http/target.ts';
import { type UpstreamOptions, writeUpstream } from '../upstream.ts';
import type { PodFeed } from './pod-feed.ts';
import { writeQuery } from './pod-writes.ts';

export interface TokenOptions extends UpstreamOptions {
  readonly feed: PodFeed;
}

/** TokenRequests for the service account of one of the cell's own pods, bound to that pod and to no other object. */
export function serviceAccountTokens(options: TokenOptions): CellHandler {
  const { feed } = options;
  return async (context) => {
    const { target, session, body, query } = context;
    const request = jsonBody(body);
    const pods = feed.podsOf(session);
    if (!pods.some((pod) => isOwnRequest(request, pod, target.namespace, target.name))) throw forbidden();
    const asked = { method: 'POST', path: pathOf(target), query: writeQuery(query), body: request } as const;
    return relayed(await writeUpstream(options, context, asked));
  };
}

function isOwnRequest(
  request: JsonObject,
  pod: WirePod,
  namespace: string | undefined,
  serviceAccount: string | undefined,
): boolean {
  const spec = isObject(request.spec) ? request.spec : {};
  const bound = isObject(spec.boundObjectRef) ? spec.boundObjectRef : {};
  return (
    pod.metadata.namespace === namespace &&
    (pod.spec.serviceAccountName ?? 'default') === serviceAccount &&
    bound.kind === 'Pod' &&
    (bound.apiVersion === 'v1' || bound.apiVersion === undefined) &&
    bound.name === pod.metadata.name &&
    bound.uid === pod.metadata.uid
  );
}
