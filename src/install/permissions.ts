import { NodelessError } from '../core/errors.ts';
import { call } from '../kube/calls.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Place } from './collections.ts';

const REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';

/** Something that is to be done with objects of a kind. */
export interface Need extends Omit<Place, 'path'> {
  readonly verb: string;
  /** One object alone; all of the kind unless given. */
  readonly name?: string;
  readonly subresource?: string;
}

/** `patch clusterroles.rbac.authorization.k8s.io`, as kubectl auth can-i takes it. */
export function needText({ verb, group, resource, subresource, namespace, name }: Need): string {
  const kind = group === '' ? resource : `${resource}.${group}`;
  const what = subresource === undefined ? kind : `${kind}/${subresource}`;
  return [verb, what, name, namespace === undefined ? undefined : `in ${namespace}`].filter(Boolean).join(' ');
}

/** Whether whoever asks may do it. */
export async function isAllowed(client: KubeClient, need: Need): Promise<boolean> {
  const spec = { resourceAttributes: need };
  const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec };
  const review = await call<{ status: { allowed: boolean } }>(client, { method: 'POST', path: REVIEWS, body });
  return review.status.allowed;
}

/** Of all that is needed, what is not allowed, in words; each is asked about once. */
export async function lacking(client: KubeClient, needs: readonly Need[]): Promise<readonly string[]> {
  const distinct = new Map(needs.map((need) => [needText(need), need]));
  const answers = await Promise.all(
    [...distinct].map(async ([text, need]) => ((await isAllowed(client, need)) ? [] : [text])),
  );
  return answers.flat();
}

/** @throws NodelessError Forbidden naming each verb and resource that is lacking, before anything is done */
export async function requireAll(client: KubeClient, needs: readonly Need[], what: string): Promise<void> {
  const missing = await lacking(client, needs);
  if (missing.length === 0) return;
  const message = `nothing was done, for ${what} needs more than this kubeconfig's user may do: ${missing.join(', ')}; use a cluster administrator's`;
  throw new NodelessError({ code: 'Forbidden', message });
}
