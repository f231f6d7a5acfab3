import { describe, expect, test } from 'vitest';
import { daemonSetPolicyOf } from '../../../src/core/daemonset-policy.ts';
import { decisionOf, formatDecision } from '../../../src/core/decision.ts';

describe('the policy of a DaemonSet', () => {
  test.each([
    ['aws-node', undefined, 'absorb'],
    ['eks-pod-identity-agent', undefined, 'inject'],
    ['eks-pod-identity-agent', 'absorb', 'absorb'],
    ['log-agent', undefined, 'absorb'],
    ['log-agent', 'node-cell', 'node-cell'],
    ['log-agent', 'injected', 'absorb'],
    ['constructor', undefined, 'absorb'],
  ])('%s with the annotation %s is %s', (name, annotation, policy) => {
    expect(daemonSetPolicyOf(name, annotation)).toBe(policy);
  });
});

describe('the annotation of a decision', () => {
  test('tells the decision, the reason and the place, and is read again', () => {
    const text = formatDecision('node-cell', 'host-path', 'spec.volumes "data"');
    expect(text).toBe('node-cell: host-path (spec.volumes "data")');
    expect(decisionOf(text)).toBe('node-cell');
    expect(decisionOf(formatDecision('cell', 'stateless'))).toBe('cell');
  });

  test.each([undefined, '', 'cells: stateless', 'yes'])('is none where it says %j', (text) => {
    expect(decisionOf(text)).toBeUndefined();
  });
});
