/**
 * What a field of a kubelet's JSON may hold. One value of a wrong type makes Go clients refuse a whole document: what
 * does not fit is left out, so that one cell's nonsense stays its own.
 */
export type Shape =
  | 'time'
  | 'uint'
  | 'number'
  | 'string'
  | 'boolean'
  | readonly [Shape]
  | { readonly [field: string]: Shape };

const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[-+]\d{2}:\d{2})$/;
/** Within uint64 even after JSON has rounded it. */
export const MAX_UINT = 2 ** 63;
const MAX_STRING = 1_024;
const MAX_ITEMS = 1_000;

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fitsScalar(value: unknown, shape: Exclude<Shape, object>): boolean {
  switch (shape) {
    case 'time':
      return typeof value === 'string' && RFC3339.test(value) && !Number.isNaN(Date.parse(value));
    case 'uint':
      return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MAX_UINT;
    case 'number':
      return Number.isFinite(value);
    case 'string':
      return typeof value === 'string' && value.length <= MAX_STRING;
    case 'boolean':
      return typeof value === 'boolean';
  }
}

function isList(shape: Shape): shape is readonly [Shape] {
  return Array.isArray(shape);
}

/** The part of a value that has the shape; undefined when none has. Pure. */
export function shaped(value: unknown, shape: Shape): unknown {
  if (typeof shape === 'string') return fitsScalar(value, shape) ? value : undefined;
  if (isList(shape)) {
    if (!Array.isArray(value)) return undefined;
    const items = value.slice(0, MAX_ITEMS).map((item: unknown) => shaped(item, shape[0]));
    return items.filter((item) => item !== undefined);
  }
  if (!isObject(value)) return undefined;
  const fields = Object.entries(shape).map(([field, inner]) => {
    const own = Object.hasOwn(value, field) ? value[field] : undefined;
    return [field, shaped(own, inner)] as const;
  });
  return Object.fromEntries(fields.filter(([, inner]) => inner !== undefined));
}
