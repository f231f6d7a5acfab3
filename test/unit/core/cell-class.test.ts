import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { cellClassSpecSchema, parseCellClass } from '../../../src/core/cell-class.ts';
import { isNodelessError } from '../../../src/core/errors.ts';
import { specFields } from '../../support/schema-fields.ts';

const EXAMPLES = new URL('../../../deploy/examples/cell-classes.yaml', import.meta.url);

function parsed(spec: object, name = 'batch') {
  return parseCellClass({ metadata: { name }, spec });
}

describe('a CellClass', () => {
  test('has the same fields, types and defaults in its definition and in its parser', async () => {
    const { ours, theirs } = await specFields(cellClassSpecSchema, 'cellclasses.yaml');
    expect(Object.keys(ours).length).toBeGreaterThan(40);
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
