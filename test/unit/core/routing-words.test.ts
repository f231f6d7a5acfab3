import { describe, expect, test } from 'vitest';
import { daemonSetPolicyOf, daemonSetPolicyWarning } from '../../../src/core/daemonset-policy.ts';
import { decisionOf, formatDecision } from '../../../src/core/decision.ts';

describe('the policy of a DaemonSet', () => {
  test.each([
    ['kube-system/aws-node', undefined, 'absorb'],
    ['kube-system/eks-pod-identity-agent', undefined, 'inject'],
    ['kube-system/eks-pod-identity-agent', 'absorb', 'absorb'],
    ['tenant/eks-pod-identity-agent', undefined, 'absorb'],
    ['ops/log-agent', undefined, 'absorb'],
    ['ops/log-agent', 'node-cell', 'node-cell'],
    ['ops/log-agent', 'injected', 'absorb'],
    ['kube-system/constructor', undefined, 'absorb'],
  ])('%s with the annotation %s is %s', (name, annotation, policy) => {
    const [namespace = '', daemonSet = ''] = name.split('/');
    expect(daemonSetPolicyOf(namespace, daemonSet, annotation)).toBe(policy);
  });
});

describe('a policy that there is not', () => {
  test('is told, with those that there are', () => {
    expect(daemonSetPolicyWarning('nodecell')).toBe(
      'annotation nodeless.io/daemonset-policy: "nodecell" is not followed; it is one of absorb, node-cell, inject',
    );
  });

  test.each([undefined, 'absorb', 'node-cell', 'inject'])('is not told of %j', (annotation) => {
    expect(daemonSetPolicyWarning(annotation)).toBeUndefined();
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
