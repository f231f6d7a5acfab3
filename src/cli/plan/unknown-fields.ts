import * as kubernetes from '@kubernetes/client-node';

interface Model {
  readonly getAttributeTypeMap: () => readonly { readonly baseName: string; readonly type: string }[];
}

const MODELS = kubernetes as unknown as Readonly<Record<string, Partial<Model> | undefined>>;

/**
 * Paths of the fields that a Kubernetes type such as `V1Deployment` has not, so that kubectl would refuse them. Maps and
 * what has any form are not looked into.
 */
export function unknownFields(value: unknown, type: string, path = ''): readonly string[] {
  const [, item] = /^Array<(.*)>$/.exec(type) ?? [];
  if (item !== undefined && Array.isArray(value))
    return value.flatMap((one, index) => unknownFields(one, item, `${path}[${index}]`));
  const fields = MODELS[type]?.getAttributeTypeMap?.();
  if (fields === undefined || typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const where = path === '' ? name : `${path}.${name}`;
    const known = fields.find(({ baseName }) => baseName === name);
    return known === undefined ? [where] : unknownFields(inner, known.type, where);
  });
}
