import { GROUP } from '../../src/core/names.ts';
import { type AdmissionAnswer, type AdmissionRequest, isKind } from '../server/admission-review.ts';

/** Refuses Cell objects that people make or change: they tell of machines, and make none. */
export function validateCell(request: AdmissionRequest): AdmissionAnswer {
  if (!isKind(request, GROUP, 'Cell') || request.operation === 'DELETE') return { allowed: true };
  const message =
    'Cell objects are written by Nodeless alone; create a pod to have a cell, and delete a Cell to end one';
  return { allowed: false, message };
}
