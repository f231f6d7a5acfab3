import { expect, test } from 'vitest';
import { jsonMerge, NODE_MERGE_RULES, strategicMerge } from '../../../src/cell-api/node/strategic-merge.ts';

const merge = (original: object, patch: object) => strategicMerge({ ...original }, { ...patch }, NODE_MERGE_RULES);
const ready = { type: 'Ready', status: 'False', reason: 'starting' };
const disk = { type: 'DiskPressure', status: 'False' };

test.each<[string, object, object, object]>([
  ['maps merge and null deletes', { a: { b: 1, c: 2 } }, { a: { c: null, d: 3 } }, { a: { b: 1, d: 3 } }],
  ['a null of what is not there is nothing', { a: 1 }, { b: { c: null } }, { a: 1, b: {} }],
  [
    'conditions merge by type',
    { conditions: [ready, disk] },
    { conditions: [{ type: 'Ready', status: 'True' }] },
    { conditions: [{ ...ready, status: 'True' }, disk] },
  ],
  ['a new condition is added', { conditions: [ready] }, { conditions: [disk] }, { conditions: [ready, disk] }],
  [
    '$setElementOrder orders, and keeps what it does not name',
    { conditions: [ready, disk, { type: 'X' }] },
    {
      '$setElementOrder/conditions': [{ type: 'DiskPressure' }, { type: 'Ready' }],
      conditions: [{ type: 'Ready', status: 'True' }],
    },
    { conditions: [disk, { ...ready, status: 'True' }, { type: 'X' }] },
  ],
  [
    '$patch delete removes an element',
    { conditions: [ready, disk] },
    { conditions: [{ type: 'Ready', $patch: 'delete' }] },
    { conditions: [disk] },
  ],
  [
    "a kubelet's replacement of addresses",
    {
      addresses: [
        { type: 'InternalIP', address: '10.0.0.1' },
        { type: 'InternalIP', address: 'fd00::1' },
      ],
    },
    {
      addresses: [
        { type: 'InternalIP', address: '10.0.0.2' },
        { type: 'Hostname', address: 'v' },
        { $patch: 'replace' },
      ],
    },
    {
      addresses: [
        { type: 'InternalIP', address: '10.0.0.2' },
        { type: 'Hostname', address: 'v' },
      ],
    },
  ],
  [
    'other lists are replaced',
    { images: [{ names: ['a'] }] },
    { images: [{ names: ['b'] }] },
    { images: [{ names: ['b'] }] },
  ],
  ['taints are replaced', { taints: [{ key: 'a' }] }, { taints: [{ key: 'b' }] }, { taints: [{ key: 'b' }] }],
  [
    '$patch replace of a map',
    { capacity: { cpu: '1', memory: '2' } },
    { capacity: { $patch: 'replace', cpu: '3' } },
    { capacity: { cpu: '3' } },
  ],
  ['$patch delete of a map', { capacity: { cpu: '1' } }, { capacity: { $patch: 'delete' } }, { capacity: {} }],
  [
    '$retainKeys drops the others',
    { a: { x: 1, y: 2 } },
    { a: { $retainKeys: ['y', 'z'], z: 3 } },
    { a: { y: 2, z: 3 } },
  ],
  [
    'sets of primitives',
    { finalizers: ['a', 'b'] },
    { finalizers: ['c', 'a'], '$deleteFromPrimitiveList/finalizers': ['b'], '$setElementOrder/finalizers': ['c', 'a'] },
    { finalizers: ['c', 'a'] },
  ],
  ['no directive is kept', {}, { a: { $patch: 'merge', b: [{ type: 'x' }] }, $x: 1 }, { a: { b: [{ type: 'x' }] } }],
])('%s', (_name, original, patch, expected) => {
  const before = structuredClone(original);
  expect(merge(original, patch)).toEqual(expected);
  expect(original).toEqual(before);
});

test('malformed patches are refused', () => {
  expect(() => merge({}, { conditions: [{ status: 'True' }] })).toThrow();
  expect(() => merge({}, { conditions: ['Ready'] })).toThrow();
  expect(() => merge({}, { a: { $patch: 'explode' } })).toThrow();
});

test('a merge patch follows RFC 7386', () => {
  expect(jsonMerge({ a: { b: 1 }, c: [1] }, { a: { b: null, d: 2 }, c: [2], e: { f: null } })).toEqual({
    a: { d: 2 },
    c: [2],
    e: {},
  });
});
