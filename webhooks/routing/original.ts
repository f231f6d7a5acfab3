import { z } from 'zod';
import { MAX_CONSTRAINTS_BYTES } from '../../src/core/constraints.ts';
import { messageOf, NodelessError } from '../../src/core/errors.ts';
import { ORIGINAL_ANNOTATION } from '../../src/core/names.ts';
import { canonicalText, type RoutedSpec } from './three-way.ts';

const list = z.array(z.looseObject({})).optional();
const lists = z
  .strictObject({
    requiredDuringSchedulingIgnoredDuringExecution: list,
    preferredDuringSchedulingIgnoredDuringExecution: list,
  })
  .optional();
const requirement = z.looseObject({ key: z.string(), values: z.array(z.string()).optional() });
const term = z.looseObject({
  matchExpressions: z.array(requirement).optional(),
  matchFields: z.array(requirement).optional(),
});
const affinity = z.strictObject({
  nodeAffinity: z
    .strictObject({
      requiredDuringSchedulingIgnoredDuringExecution: z.looseObject({ nodeSelectorTerms: z.array(term) }).optional(),
      preferredDuringSchedulingIgnoredDuringExecution: list,
    })
    .optional(),
  podAffinity: lists,
  podAntiAffinity: lists,
});
const spec = z.strictObject({
  nodeSelector: z.record(z.string(), z.string()),
  tolerations: z.array(z.looseObject({})),
  affinity,
  topologySpreadConstraints: z.array(z.looseObject({})),
});
const original = z.strictObject({ before: spec, after: spec });

/** A spec as routing found it, and as it left it. */
export interface Original {
  readonly before: RoutedSpec;
  readonly after: RoutedSpec;
}

function specOf({ nodeSelector, tolerations, affinity: its, topologySpreadConstraints }: RoutedSpec): RoutedSpec {
  return { nodeSelector, tolerations, affinity: its, topologySpreadConstraints };
}

/** The value of the annotation `nodeless.io/original`. @throws NodelessError ConfigInvalid where it would be too long */
export function originalText(before: RoutedSpec, after: RoutedSpec): string {
  const text = canonicalText({ before: specOf(before), after: specOf(after) });
  parseOriginal(text);
  return text;
}

/** Reads it; users may write it too. @throws NodelessError ConfigInvalid */
export function parseOriginal(text: string): Original {
  try {
    if (Buffer.byteLength(text) > MAX_CONSTRAINTS_BYTES)
      throw new Error(`it is longer than ${MAX_CONSTRAINTS_BYTES} bytes`);
    return original.parse(JSON.parse(text)) as unknown as Original;
  } catch (cause) {
    const message = `the annotation ${ORIGINAL_ANNOTATION} can not be read: ${messageOf(cause)}; remove it`;
    throw new NodelessError({ code: 'ConfigInvalid', message, cause });
  }
}
