import { describe, expect, test } from 'vitest';
import type { WirePod } from '../../../src/kube/wire-pod.ts';
import { isRefused, reschedulingOf } from '../../../src/pods/rescheduling.ts';

const NOW = '2026-01-01T00:01:00Z';
const ELSEWHERE = [{ name: 'nodeless-b', labels: { 'topology.kubernetes.io/zone': 'b' } }];
const CONTROLLER = [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'r', controller: true }];

interface Shape {
  readonly metadata?: object;
  readonly spec?: object;
  readonly status?: object;
  readonly refusedFor?: string;
  readonly boundAt?: string;
}

/** A ReplicaSet's pod that was bound a minute ago, and waits for capacity. */
function waiting({ metadata, spec, status, refusedFor = 'InsufficientCapacity', boundAt }: Shape = {}): WirePod {
  const conditions = [
    { type: 'PodScheduled', status: 'True', lastTransitionTime: boundAt ?? '2026-01-01T00:00:00Z' },
    { type: 'nodeless.io/CellReady', status: 'False', reason: refusedFor },
  ];
  return {
    metadata: { name: 'web-1', namespace: 'default', uid: 'u', ownerReferences: CONTROLLER, ...metadata },
    spec: { containers: [], ...spec },
    status: { phase: 'Pending', conditions, ...status },
  } as unknown as WirePod;
}

function verdictOn(pod: WirePod, elsewhere = ELSEWHERE) {
  return reschedulingOf(pod, { nowMs: Date.parse(NOW), afterMs: 30_000, elsewhere });
}

describe('a pod in an exhausted zone', () => {
  test('that waits for capacity, of a controller, is made again elsewhere', () => {
    expect(verdictOn(waiting())).toEqual({ kind: 'reschedule' });
  });

  test.each([
    ['apps/v1', 'ReplicaSet'],
    ['apps/v1', 'StatefulSet'],
    ['v1', 'ReplicationController'],
  ])('of %s %s is made again elsewhere', (apiVersion, kind) => {
    const ownerReferences = [{ ...CONTROLLER[0], apiVersion, kind }];
    expect(verdictOn(waiting({ metadata: { ownerReferences } }))).toEqual({ kind: 'reschedule' });
  });

  test.each<[string, Shape]>([
    ['has a cell on its way', { metadata: { annotations: { 'nodeless.io/cell': 'cell-1' } } }],
    ['was handed to a cell', { status: { conditions: [{ type: 'nodeless.io/CellReady', status: 'True' }] } }],
    ['was seen by a kubelet', { status: { startTime: NOW } }],
    ['has containers', { status: { containerStatuses: [{ name: 'main' }] } }],
    ['runs', { status: { phase: 'Running' } }],
    ['has ended', { status: { phase: 'Failed' } }],
    ['is being deleted', { metadata: { deletionTimestamp: NOW } }],
    ['waits for its budget', { refusedFor: 'BudgetExceeded' }],
    ['fits no machine', { refusedFor: 'NoOffering' }],
    ['waits for a mate', { refusedFor: 'NoRoom' }],
    ['was told nothing yet', { status: { conditions: [{ type: 'PodScheduled', status: 'True' }] } }],
  ])('that %s is never touched', (_what, shape) => {
    expect(isRefused(waiting(shape))).toBe(false);
    expect(verdictOn(waiting(shape))).toBeUndefined();
  });

  test('that has not waited long enough is left alone', () => {
    expect(verdictOn(waiting({ boundAt: '2026-01-01T00:00:31Z' }))).toBeUndefined();
    expect(verdictOn(waiting({ boundAt: 'never' }))).toBeUndefined();
  });

  test.each<[string, Shape, RegExp]>([
    ['of nobody', { metadata: { ownerReferences: [] } }, /no controller would make another/],
    [
      'of an owner that does not control it',
      { metadata: { ownerReferences: [{ ...CONTROLLER[0], controller: false }] } },
      /no controller would make another/,
    ],
    [
      'of a DaemonSet',
      { metadata: { ownerReferences: [{ ...CONTROLLER[0], kind: 'DaemonSet' }] } },
      /one pod for each node/,
    ],
    [
      'of a Job',
      { metadata: { ownerReferences: [{ ...CONTROLLER[0], apiVersion: 'batch/v1', kind: 'Job' }] } },
      /its Job would count it as failed/,
    ],
    [
      'of a controller that is not known',
      { metadata: { ownerReferences: [{ ...CONTROLLER[0], apiVersion: 'example.com/v1', kind: 'ReplicaSet' }] } },
      /its ReplicaSet of example.com\/v1 is not known to make another/,
    ],
    [
      'that tolerates the mark of its zone',
      { spec: { tolerations: [{ key: 'nodeless.io/exhausted', operator: 'Exists' }] } },
      /it tolerates the mark/,
    ],
    ['that tolerates everything', { spec: { tolerations: [{ operator: 'Exists' }] } }, /it tolerates the mark/],
    [
      'that was bound by name',
      {
        status: { conditions: [{ type: 'nodeless.io/CellReady', status: 'False', reason: 'InsufficientCapacity' }] },
        metadata: { creationTimestamp: '2026-01-01T00:00:00Z' },
      },
      /bound by spec.nodeName/,
    ],
    [
      'that selects this zone',
      { spec: { nodeSelector: { 'topology.kubernetes.io/zone': 'a' } } },
      /selects the node of no other zone/,
    ],
  ])('%s stays, and is told why', (_what, shape, why) => {
    expect(verdictOn(waiting(shape))).toEqual({ kind: 'stays', why: expect.stringMatching(why) });
  });

  test('stays when no other zone takes pods', () => {
    expect(verdictOn(waiting(), [])).toEqual({ kind: 'stays', why: 'no other zone takes pods now' });
  });
});
