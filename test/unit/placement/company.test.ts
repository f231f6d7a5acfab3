import { describe, expect, test } from 'vitest';
import { companyFor, foeAmong, isMateOf, wantedCompany } from '../../../src/placement/company.ts';
import { onHostOf, podOf } from './pods.ts';

describe('whom a pod requires on its host', () => {
  const cache = podOf('cache');

  test.each([
    ['its labels', onHostOf('cache'), true],
    ['other labels', onHostOf('db'), false],
    [
      'an expression',
      onHostOf('', { labelSelector: { matchExpressions: [{ key: 'app', operator: 'Exists' }] } }),
      true,
    ],
    ['everybody', onHostOf('', { labelSelector: {} }), true],
    ['nobody, for want of a selector', { topologyKey: 'kubernetes.io/hostname' }, false],
    ['its namespace by name', onHostOf('cache', { namespaces: ['other', 'ns'] }), true],
    ['another namespace', onHostOf('cache', { namespaces: ['other'] }), false],
    ['every namespace', onHostOf('cache', { namespaceSelector: {} }), true],
    [
      'its namespace by the label that each has',
      onHostOf('cache', { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ns' } } }),
      true,
    ],
    ['its zone only', { ...onHostOf('cache'), topologyKey: 'topology.kubernetes.io/zone' }, false],
  ])('is told by a term about %s', (_, term, isMate) => {
    expect(isMateOf(podOf('web', { with: [term] }), cache)).toBe(isMate);
  });

  test('is never of another namespace, whatever its terms say', () => {
    const term = onHostOf('cache', { namespaceSelector: {} });
    expect(isMateOf(podOf('web', { with: [term] }), podOf('cache', { namespace: 'other' }))).toBe(false);
  });

  test('meets all the terms, as the scheduler has it', () => {
    const web = podOf('web', { with: [onHostOf('cache'), onHostOf('', { labelSelector: {} })] });
    expect([isMateOf(web, cache), isMateOf(web, podOf('db'))]).toEqual([true, false]);
  });

  test('is nobody for a pod without terms', () => {
    expect([wantedCompany(cache), isMateOf(cache, cache)]).toEqual([[], false]);
  });
});

describe('who may not be together', () => {
  const shy = podOf('shy', { apart: [onHostOf('web')] });
  const web = podOf('web');

  test('holds by either pod’s word', () => {
    expect([foeAmong([shy], web), foeAmong([web], shy), foeAmong([podOf('db')], shy)]).toEqual([shy, web, undefined]);
  });

  test('holds as well where routing has lifted the word from the spec', () => {
    const labelSelector = { matchLabels: { app: 'web' } };
    const lifted = (more: object) => {
      const apart = [{ topologyKey: 'kubernetes.io/hostname', labelSelector, ...more }];
      const pod = podOf('lifted');
      const annotations = { 'nodeless.io/constraints': JSON.stringify({ apart }) };
      return { ...pod, metadata: { ...pod.metadata, annotations } };
    };
    expect(foeAmong([web], lifted({}))).toBe(web);
    expect(foeAmong([podOf('db')], lifted({}))).toBeUndefined();
    // Of the pods that it would shun, only those that have its own value of a label, or another one.
    expect(foeAmong([web], lifted({ matchLabelKeys: ['app'] }))).toBeUndefined();
    expect(foeAmong([web], lifted({ mismatchLabelKeys: ['app'] }))).toBe(web);
  });
});

describe('the company of a founder', () => {
  test('are those that require it, and those that require them', () => {
    const cache = podOf('cache');
    const web = podOf('web', { with: [onHostOf('cache')] });
    const log = podOf('log', { with: [onHostOf('web')] });
    const other = podOf('other', { with: [onHostOf('db')] });
    expect(companyFor(cache, [log, other, web, cache])).toEqual([web, log]);
  });

  test('is found whatever the order, and is no more than a kubelet takes', () => {
    const cache = podOf('cache');
    const chain = [
      podOf('c', { with: [onHostOf('b')] }),
      podOf('b', { with: [onHostOf('a')] }),
      podOf('a', { with: [onHostOf('cache')] }),
    ];
    expect(companyFor(cache, chain).map(({ metadata }) => metadata.name)).toEqual(['a', 'b', 'c']);
    const many = Array.from({ length: 1_000 }, (_, at) =>
      podOf(`twin-${at}`, { app: 'twin', with: [onHostOf('twin')] }),
    );
    expect(companyFor(many[0] ?? cache, many)).toHaveLength(100);
  });

  test('leaves out who may not be with one that came first', () => {
    const cache = podOf('cache');
    const webs = ['web-1', 'web-2'].map((name) =>
      podOf(name, { app: 'web', with: [onHostOf('cache')], apart: [onHostOf('web')] }),
    );
    expect(companyFor(cache, webs)).toEqual([webs[0]]);
  });
});
