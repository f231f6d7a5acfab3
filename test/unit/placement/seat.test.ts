import { describe, expect, test } from 'vitest';
import { resourcesOf } from '../../../src/core/resources.ts';
import { type Host, seatOf } from '../../../src/placement/seat.ts';
import { onHostOf, podOf } from './pods.ts';

const need = resourcesOf({ cpu: '100m', memory: '64Mi' });

function host(cell: string, pods: Host<string>['pods'], cpu = '1'): Host<string> {
  return { cell, pods, free: resourcesOf({ cpu, memory: '1Gi' }) };
}

describe('the place of a pod that requires company', () => {
  const web = podOf('web', { with: [onHostOf('cache')] });
  const cache = podOf('cache');
  const db = podOf('db');

  test('is the cell of a pod that it requires, if there is room', () => {
    expect(seatOf(web, need, [host('a', [db]), host('b', [db, cache])], [])).toMatchObject({
      kind: 'join',
      host: { cell: 'b' },
      mate: cache,
    });
    expect(seatOf(web, need, [host('b', [cache], '50m')], [])).toMatchObject({ kind: 'full', host: { cell: 'b' } });
    expect(seatOf(web, need, [host('b', [cache], '50m'), host('c', [cache])], [])).toMatchObject({
      kind: 'join',
      host: { cell: 'c' },
    });
  });

  test('is not with a pod that it may not be with, and it is told so', () => {
    const shy = { ...web, spec: podOf('web', { with: [onHostOf('cache')], apart: [onHostOf('db')] }).spec };
    expect(seatOf(shy, need, [host('b', [cache, db])], [])).toMatchObject({
      kind: 'wait',
      reason: expect.stringMatching(/with ns\/cache, and may not be with ns\/db/),
    });
    expect(seatOf(shy, need, [host('b', [cache, db]), host('c', [cache])], [])).toMatchObject({ kind: 'join' });
  });

  test('is not there yet while the pod that it requires waits, or is not on this node', () => {
    expect(seatOf(web, need, [], [web, cache])).toMatchObject({ reason: expect.stringContaining('ns/cache, which') });
    expect(seatOf(web, need, [host('a', [db])], [web])).toMatchObject({
      reason: expect.stringContaining('none of the pods'),
    });
  });

  test('is a new cell for all that require each other, as long as none of them has one', () => {
    const twins = ['a', 'b', 'c'].map((name) => podOf(name, { app: 'twin', with: [onHostOf('twin')] }));
    const [first, second, third] = twins;
    if (first === undefined || second === undefined || third === undefined) throw new Error('three');
    expect(seatOf(first, need, [], twins)).toEqual({ kind: 'found' });
    expect(seatOf(second, need, [host('x', [first])], [second, third])).toMatchObject({ kind: 'join' });
    expect(seatOf(second, need, [host('x', [first], '0')], [second, third])).toMatchObject({ kind: 'full' });
  });
});
