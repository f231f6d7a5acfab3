import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalText } from '../../../../webhooks/routing/three-way.ts';

/** The same value with its members in the opposite order. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, member]) => [key, turned(member)]),
  );
}

const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<unknown>;

describe('the canonical text of a value of JSON', () => {
  test('is JSON of that value, and the same in whatever order its members stand', () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = canonicalText(value);
        // As JSON has it: there is one zero.
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalText(turned(value))).toBe(text);
      }),
      { numRuns: 1_000 },
    );
  });

  test('has no members without a value', () => {
    expect(canonicalText({ b: undefined, a: [{ d: 1, c: undefined }] })).toBe('{"a":[{"d":1}]}');
  });
});
