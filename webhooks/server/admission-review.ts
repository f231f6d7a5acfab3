import { z } from 'zod';
import { NodelessError } from '../../src/core/errors.ts';

const kind = z.looseObject({ group: z.string().default(''), version: z.string(), kind: z.string() });

const review = z.looseObject({
  apiVersion: z.literal('admission.k8s.io/v1'),
  kind: z.literal('AdmissionReview'),
  request: z.looseObject({
    uid: z.string().min(1),
    kind,
    operation: z.enum(['CREATE', 'UPDATE', 'DELETE', 'CONNECT']),
    namespace: z.string().default(''),
    name: z.string().default(''),
    dryRun: z.boolean().nullish(),
    object: z.unknown().optional(),
  }),
});

/** What the API server asks about one object. */
export type AdmissionRequest = z.output<typeof review>['request'];

/** What a webhook says to it. */
export interface AdmissionAnswer {
  readonly allowed: boolean;
  /** Why it is refused, for people. */
  readonly message?: string;
  /** A JSON Patch; none where nothing changes. */
  readonly patch?: readonly object[];
  /** Shown by kubectl, at most 256 characters each. */
  readonly warnings?: readonly string[];
}

/** Reads an AdmissionReview. @throws NodelessError AdmissionInvalid naming what is wrong */
export function parseReview(body: unknown): AdmissionRequest {
  const result = review.safeParse(body);
  if (result.success) return result.data.request;
  const [issue] = result.error.issues;
  const message = `the body is no AdmissionReview of admission.k8s.io/v1: ${issue?.path.join('.') || 'it'}: ${issue?.message}`;
  throw new NodelessError({ code: 'AdmissionInvalid', message });
}

/** True for an object of this kind. */
export function isKind({ kind: of }: AdmissionRequest, group: string, name: string): boolean {
  return of.group === group && of.kind === name;
}

/** The AdmissionReview to send back, as JSON. */
export function reviewOf({ uid }: AdmissionRequest, answer: AdmissionAnswer): string {
  const { allowed, message, patch = [], warnings = [] } = answer;
  const response = {
    uid,
    allowed,
    ...(message === undefined ? {} : { status: { code: 422, reason: 'Invalid', message } }),
    ...(patch.length === 0
      ? {}
      : { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') }),
    ...(warnings.length === 0 ? {} : { warnings }),
  };
  return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response });
}
