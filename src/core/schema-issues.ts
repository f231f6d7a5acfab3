import type { z } from 'zod';

/** What a schema finds wrong in an object's spec, by its field; `kind` is what has no such fields, such as `class`. */
export function describeIssue({ path, code, message, ...issue }: z.core.$ZodIssue, kind: string): string {
  const field = ['spec', ...path].join('.');
  const unknown = 'keys' in issue && Array.isArray(issue.keys) ? `: ${issue.keys.join(', ')}` : '';
  return code === 'unrecognized_keys' ? `${field} has fields that no ${kind} has${unknown}` : `${field} ${message}`;
}
