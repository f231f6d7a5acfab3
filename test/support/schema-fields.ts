import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';

interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: unknown;
  readonly anyOf?: readonly Schema[];
}

/** Each field by its path, with what both schemas must say of it alike. */
function fieldsOf(schema: Schema, path: string): readonly (readonly [string, object])[] {
  const children = Object.entries(schema.properties ?? {}).flatMap(([key, child]) => fieldsOf(child, `${path}.${key}`));
  const items = schema.items === undefined ? [] : fieldsOf(schema.items, `${path}[]`);
  const isQuantity = schema.anyOf !== undefined || Array.isArray(schema.type);
  const facts = {
    type: isQuantity ? 'quantity' : schema.type,
    ...(schema.enum === undefined ? {} : { enum: schema.enum }),
    ...(schema.default === undefined ? {} : { default: schema.default }),
    required: schema.properties === undefined ? [] : [...(schema.required ?? [])].sort(),
  };
  return [[path, facts], ...children, ...items];
}

/** The fields of a spec by its parser's schema, and by its definition in deploy/crds. */
export async function specFields(schema: z.ZodType, crd: string) {
  const path = new URL(`../../deploy/crds/${crd}`, import.meta.url);
  const definition = parse(await readFile(path, 'utf8'));
  const defined = definition.spec.versions[0].schema.openAPIV3Schema.properties.spec as Schema;
  const parsed = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema;
  const [ours, theirs] = [parsed, defined].map((one) => Object.fromEntries(fieldsOf(one, 'spec').slice(1)));
  return { ours: ours ?? {}, theirs: theirs ?? {} };
}
