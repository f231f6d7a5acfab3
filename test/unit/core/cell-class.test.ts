import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { cellClassSpecSchema, parseCellClass } from '../../../src/core/cell-class.ts';
import { isNodelessError } from '../../../src/core/errors.ts';

const EXAMPLES = new URL('../../../deploy/examples/cell-classes.yaml', import.meta.url);
const CRD = new URL('../../../deploy/crds/cellclasses.yaml', import.meta.url);

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

function parsed(spec: object, name = 'batch') {
  return parseCellClass({ metadata: { name }, spec });
}

describe('a CellClass', () => {
  test('has the same fields, types and defaults in its definition and in its parser', async () => {
    const crd = parse(await readFile(CRD, 'utf8'));
    const defined = crd.spec.versions[0].schema.openAPIV3Schema.properties.spec as Schema;
    const checked = z.toJSONSchema(cellClassSpecSchema, { io: 'input', unrepresentable: 'any' }) as Schema;
    const [ours, theirs] = [checked, defined].map((schema) => Object.fromEntries(fieldsOf(schema, 'spec').slice(1)));
    expect(Object.keys(ours ?? {}).length).toBeGreaterThan(40);
    expect(ours).toEqual(theirs);
  });

  test('of the examples is valid, and one of them is the default', async () => {
    const documents = parseAllDocuments(await readFile(EXAMPLES, 'utf8')).map((document) => document.toJS());
    const classes = documents.map((object) => parseCellClass(object));
    expect(classes.filter(({ spec }) => spec.default).map(({ name }) => name)).toEqual(['standard']);
    expect(new Set(classes.map(({ name }) => name)).size).toBe(4);
  });

  test('that says nothing allows everything', () => {
    const { spec } = parseCellClass({ metadata: { name: 'empty' } });
    expect(spec).toMatchObject({ default: false, launchTypes: {}, instanceTypes: {}, budgets: {}, agents: [] });
  });

  test('is read with its quantities and durations', () => {
    const { spec } = parsed({ defaultSize: { cpu: 1, memory: '1Gi' }, expireAfter: '24h' });
    expect(spec.defaultSize).toMatchObject({ cpuMilli: 1_000, memoryBytes: 1024 ** 3 });
    expect(spec.expireAfter).toBe(86_400_000);
  });

  test.each<[object, RegExp]>([
    [{ lauchTypes: {} }, /spec has fields that no class has: lauchTypes/],
    [{ namespaces: [] }, /spec\.namespaces/],
    [{ namespaces: ['team*'] }, /spec\.namespaces\.0 is the name of a namespace/],
    [{ namespaces: ['team'], default: true }, /spec has namespaces, and is the default/],
    [{ launchTypes: { allowed: [] } }, /spec\.launchTypes\.allowed/],
    [{ launchTypes: { allowed: ['fargate'], preferred: ['ec2-spot'] } }, /spec\.launchTypes prefers a type/],
    [{ instanceTypes: { include: ['m7g large'] } }, /spec\.instanceTypes\.include\.0 is a glob/],
    [{ image: { family: 'al2023', id: 'ami-0abcdef1234567890' } }, /spec\.image has exactly one of/],
    [{ image: {} }, /spec\.image has exactly one of/],
    [{ subnets: [{ id: 'subnet-0abcdef1', tags: { a: 'b' } }] }, /spec\.subnets\.0 has either an id or tags/],
    [{ securityGroups: [{ id: 'subnet-0abcdef1' }] }, /spec\.securityGroups\.0\.id is an id such as sg-/],
    [{ budgets: { maxCells: -1 } }, /spec\.budgets\.maxCells/],
    [{ budgets: { maxCells: 1.5 } }, /spec\.budgets\.maxCells/],
    [{ budgets: { maxPricePerHourUsd: -0.1 } }, /spec\.budgets\.maxPricePerHourUsd/],
    [{ defaultSize: { cpu: 'plenty' } }, /spec\.defaultSize\.cpu "plenty" is not a Kubernetes quantity/],
    [{ expireAfter: 'soon' }, /spec\.expireAfter "soon" is not a duration/],
    [{ kubelet: { imageGCLowThresholdPercent: 90 } }, /spec\.kubelet has an imageGCLowThresholdPercent/],
    [{ tags: { 'nodeless.io/cell': 'x' } }, /spec\.tags has a key/],
    [{ agents: [{ daemonSet: 'x' }] }, /spec\.agents\.0\.namespace/],
  ])('%j is refused with the name of the field', (spec, message) => {
    expect(() => parsed(spec)).toThrow(
      expect.toSatisfy((error) => isNodelessError(error, 'ConfigInvalid') && message.test(error.message)),
    );
  });
});
