import { z } from 'zod';
import { parseNano } from './quantity.ts';
import { type Resources, resourcesOf } from './resources.ts';

/** A Kubernetes quantity in what people write; numbers are taken as they are. */
export const quantityField = z.union([z.string(), z.number()]).transform((value, context) => {
  try {
    parseNano(value);
    return String(value);
  } catch {
    context.addIssue({ code: 'custom', message: `"${value}" is not a Kubernetes quantity such as 500m, 2 or 4Gi` });
    return z.NEVER;
  }
});

/** What a pod gets that requests nothing. */
export const sizeField = z
  .strictObject({
    cpu: quantityField.prefault('250m').describe('CPU of a pod that requests none.'),
    memory: quantityField.prefault('256Mi').describe('Memory of a pod that requests none.'),
  })
  .transform((list): Resources => resourcesOf(list));
