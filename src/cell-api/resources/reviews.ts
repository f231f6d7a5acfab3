import { PROVIDER_USER } from '../../core/names.ts';
import type { CellHandler } from '../context.ts';
import { answer } from '../http/answer.ts';
import { isObject, jsonBody } from '../http/body.ts';
import { forbidden } from '../http/refusal.ts';

/** A cell's kubelet asks who may use its own endpoint: the provider alone, whatever it does there. */
export const subjectAccessReviews: CellHandler = ({ verb, target, body }) => {
  if (verb !== 'create' || target.name !== undefined || target.namespace !== undefined) throw forbidden('not-allowed');
  const review = jsonBody(body);
  const allowed = isObject(review.spec) && review.spec.user === PROVIDER_USER;
  return answer({ ...review, metadata: {}, status: { allowed, ...(allowed ? {} : { denied: true }) } }, 201);
};

/** Cells are told of no rights of their own. */
export const selfSubjectAccessReviews: CellHandler = ({ verb, body }) => {
  if (verb !== 'create') throw forbidden('not-allowed');
  return answer({ ...jsonBody(body), metadata: {}, status: { allowed: false } }, 201);
};

/** No bearer token of the cluster is good at a cell's kubelet: the provider shows a certificate. */
export const tokenReviews: CellHandler = ({ verb, body }) => {
  if (verb !== 'create') throw forbidden('not-allowed');
  const { apiVersion, kind } = jsonBody(body);
  return answer({ apiVersion, kind, metadata: {}, spec: {}, status: { authenticated: false } }, 201);
};
