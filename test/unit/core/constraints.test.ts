import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  admits,
  labelsOf,
  MAX_CONSTRAINTS_BYTES,
  meets,
  parseConstraints,
  preferenceOf,
  type Requirement,
  UNCONSTRAINED,
} from '../../../src/core/constraints.ts';

const ARM = { 'kubernetes.io/arch': 'arm64', cpus: '8' };

/** The rules of the Kubernetes documentation, as sets: a label's values are a set of at most one. */
function documented({ key, operator, values = [] }: Requirement, labels: Record<string, string>): boolean {
  const present = new Set(Object.entries(labels).flatMap(([name, value]) => (name === key ? [value] : [])));
  const common = [...new Set<string>(values)].filter((value) => present.has(value));
  const numbers = [...present].filter((text) => /^[+-]?[0-9]+$/.test(text)).map(Number);
  const byOperator = {
    In: common.length > 0,
    NotIn: common.length === 0,
    Exists: present.size > 0,
    DoesNotExist: present.size === 0,
    Gt: numbers.some((number) => number > Number(values[0])),
    Lt: numbers.some((number) => number < Number(values[0])),
  };
  return byOperator[operator];
}

const word = fc.constantFrom('a', 'b', 'c', '3', '7', '-1', '');
const key = fc.constantFrom('x', 'y', 'z', 'toString');
const values = fc.array(word, { minLength: 1, maxLength: 3 });
const requirement: fc.Arbitrary<Requirement> = fc.oneof(
  fc.record({ key, operator: fc.constantFrom('In' as const, 'NotIn' as const), values }),
  fc.record({ key, operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const) }),
  fc.record({
    key,
    operator: fc.constantFrom('Gt' as const, 'Lt' as const),
    values: fc.tuple(fc.integer({ min: -9, max: 9 }).map(String)),
  }),
);
const labels = fc.dictionary(fc.constantFrom('x', 'y', 'z'), word);
const terms = fc.array(fc.array(requirement, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 });

describe('a requirement', () => {
  test('is met exactly as Kubernetes documents it', () => {
    fc.assert(
      fc.property(requirement, labels, (one, has) => meets(one, has) === documented(one, has)),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['absence meets NotIn', { key: 'zone', operator: 'NotIn', values: ['a'] }, true],
    ['absence does not meet In', { key: 'zone', operator: 'In', values: ['a'] }, false],
    ['a number is compared as one', { key: 'cpus', operator: 'Lt', values: ['10'] }, true],
    ['a word is no number', { key: 'kubernetes.io/arch', operator: 'Gt', values: ['0'] }, false],
  ] as const)('%s', (_title, one, expected) => {
    expect(meets(one as unknown as Requirement, ARM)).toBe(expected);
  });
});

describe('constraints', () => {
  test('admit a machine for which one term holds as a whole', () => {
    fc.assert(
      fc.property(terms, labels, (required, has) => {
        const expected = required.some((term) => term.filter((one) => !documented(one, has)).length === 0);
        expect(admits({ required }, has)).toBe(expected);
      }),
    );
  });

  test('that are none admit every machine', () => {
    expect(admits(UNCONSTRAINED, {})).toBe(true);
    expect(parseConstraints(undefined)).toEqual({});
  });

  test('is read once for all pods that say the same, however many say something else in between', () => {
    const text = (arch: string) => JSON.stringify({ required: [[{ key: 'a', operator: 'In', values: [arch] }]] });
    const first = parseConstraints(text('arm64'));
    expect(parseConstraints(text('arm64'))).toBe(first);
    for (let index = 0; index < 2_000; index += 1) {
      expect(parseConstraints(text(`x${index}`)).required?.[0]?.[0]?.values).toEqual([`x${index}`]);
    }
    expect(parseConstraints(text('arm64'))).toEqual(first);
  });

  test('weigh what is preferred by what holds', () => {
    const on = (arch: string) => [{ key: 'kubernetes.io/arch', operator: 'In' as const, values: [arch] }];
    const preferred = [
      { weight: 10, term: on('arm64') },
      { weight: 5, term: on('amd64') },
      { weight: 1, term: [{ key: 'cpus', operator: 'Exists' as const }] },
    ];
    expect(preferenceOf({ preferred }, ARM)).toBe(11);
    expect(preferenceOf(UNCONSTRAINED, ARM)).toBe(0);
  });

  test('survive being written and read', () => {
    fc.assert(
      fc.property(terms, (required) => {
        const constraints = { required, preferred: [{ weight: 1, term: required[0] ?? [] }] };
        expect(parseConstraints(JSON.stringify(constraints))).toEqual(constraints);
      }),
    );
  });

  test('see an offering by arch, instance type, launch type and zone', () => {
    const offering = { arch: 'arm64', instanceType: 'm7g.large', launchType: 'ec2-spot', zone: 'eu-1a' } as const;
    expect(labelsOf(offering)).toEqual({
      'kubernetes.io/arch': 'arm64',
      'node.kubernetes.io/instance-type': 'm7g.large',
      'nodeless.io/launch-type': 'ec2-spot',
      'topology.kubernetes.io/zone': 'eu-1a',
    });
  });

  test.each([
    ['text', '{', 'JSON'],
    ['another key', '{"require":[]}', 'Unrecognized key'],
    ['no term at all', '{"required":[]}', 'required: '],
    ['a term without requirements', '{"required":[[]]}', 'required.0: '],
    ['an unknown operator', '{"required":[[{"key":"a","operator":"Is"}]]}', 'required.0.0.operator'],
    ['In without values', '{"required":[[{"key":"a","operator":"In","values":[]}]]}', 'required.0.0.values'],
    ['Gt without a number', '{"required":[[{"key":"a","operator":"Gt","values":["x"]}]]}', 'one integer'],
    ['a weight of 0', '{"preferred":[{"weight":0,"term":[{"key":"a","operator":"Exists"}]}]}', 'preferred.0.weight'],
    ['spread over zones', '{"spread":[{"topologyKey":"topology.kubernetes.io/zone"}]}', 'spread.0.topologyKey'],
    [
      'a term with a selector that is none',
      '{"apart":[{"topologyKey":"kubernetes.io/hostname","labelSelector":5}]}',
      'apart.0.labelSelector',
    ],
    ['too much', `"${'x'.repeat(MAX_CONSTRAINTS_BYTES)}"`, 'longer than'],
  ])('with %s are refused, with the place and the remedy', (_title, text, words) => {
    expect(() => parseConstraints(text)).toThrow(words);
    expect(() => parseConstraints(text)).toThrow('nodeless.io/constraints can not be read');
  });
});
