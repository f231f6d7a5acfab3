import { z } from 'zod';
import { parseCellClass } from '../../src/core/cell-class.ts';
import { messageOf } from '../../src/core/errors.ts';
import { GROUP } from '../../src/core/names.ts';
import { type AdmissionAnswer, type AdmissionRequest, isKind } from '../server/admission-review.ts';

const object = z.looseObject({
  metadata: z.looseObject({ name: z.string().default('') }),
  spec: z.unknown().optional(),
});

/** Refuses a CellClass that placement could not read, with every field that is wrong. */
export function validateCellClass(request: AdmissionRequest): AdmissionAnswer {
  if (!isKind(request, GROUP, 'CellClass') || request.operation === 'DELETE') return { allowed: true };
  try {
    parseCellClass(object.parse(request.object));
    return { allowed: true };
  } catch (error) {
    return { allowed: false, message: messageOf(error) };
  }
}
