import { z } from 'zod';
import { messageOf } from '../../src/core/errors.ts';
import { GROUP } from '../../src/core/names.ts';
import { parseWarmPool } from '../../src/core/warm-pool.ts';
import { type AdmissionAnswer, type AdmissionRequest, isKind } from '../server/admission-review.ts';

const object = z.looseObject({
  metadata: z.looseObject({ name: z.string().default('') }),
  spec: z.unknown().optional(),
});

/** Refuses a WarmPool that nobody could keep, with every field that is wrong and what mends it. */
export function validateWarmPool(request: AdmissionRequest): AdmissionAnswer {
  if (!isKind(request, GROUP, 'WarmPool') || request.operation === 'DELETE') return { allowed: true };
  try {
    parseWarmPool(object.parse(request.object));
    return { allowed: true };
  } catch (error) {
    return { allowed: false, message: messageOf(error) };
  }
}
