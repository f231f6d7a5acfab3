import { NodelessError } from '../../src/core/errors.ts';
import { type AdmittedPod, admittedPod } from '../routing/admitted-pod.ts';
import type { AdmissionRequest } from './admission-review.ts';

/** The pod of a review. @throws NodelessError AdmissionInvalid naming the field */
export function podOf({ object }: AdmissionRequest): AdmittedPod {
  const result = admittedPod.safeParse(object);
  if (result.success) return result.data as unknown as AdmittedPod;
  const [issue] = result.error.issues;
  const message = `request.object is no pod: ${issue?.path.join('.') || 'it'}: ${issue?.message}`;
  throw new NodelessError({ code: 'AdmissionInvalid', message });
}
