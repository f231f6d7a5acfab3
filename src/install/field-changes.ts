/** What the API server keeps about an object, and nobody installs. */
const KEPT_BY_SERVER = new Set([
  'metadata.managedFields',
  'metadata.resourceVersion',
  'metadata.generation',
  'metadata.uid',
  'metadata.creationTimestamp',
  'status',
]);

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object';
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

/** The fields in which two versions of an object differ, one line for each: `spec.replicas: 2 → 3`. */
export function fieldChanges(before: unknown, after: unknown, path = ''): readonly string[] {
  if (KEPT_BY_SERVER.has(path) || Object.is(before, after)) return [];
  if (!isPlain(before) || !isPlain(after)) return [`${path}: ${shown(before)} → ${shown(after)}`];
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys.flatMap((key) => fieldChanges(before[key], after[key], path === '' ? key : `${path}.${key}`));
}
