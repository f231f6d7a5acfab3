import { describe, expect, test } from 'vitest';
import { notExecuted, readReport } from '../../conformance/suite.ts';

function spec(name: string, State: string, message?: string) {
  const failure = message === undefined ? {} : { Failure: { Message: message } };
  return { ContainerHierarchyTexts: ['[sig-node] Pods'], LeafNodeText: name, LeafNodeType: 'It', State, ...failure };
}

describe('the slice of the conformance suite', () => {
  const result = readReport([
    {
      SpecReports: [
        spec('should be updated [NodeConformance]', 'passed'),
        spec('should get a host IP', 'failed', 'no IP'),
        spec('should use gates', 'skipped', 'not on this cluster'),
        spec('should run', 'skipped'),
      ],
    },
  ]);

  test('counts as executed what has passed or failed, whatever tags its name ends in', () => {
    expect(notExecuted(['[sig-node] Pods should be updated', 'Pods should get a host IP'], result)).toEqual([]);
  });

  test('misses what skipped itself, what was outside of the focus, and what is no spec any more', () => {
    const names = ['Pods should use gates', 'Pods should run', 'Pods should fly'];
    expect(notExecuted(names, result)).toEqual(names);
  });
});
