import { describe, expect, test } from 'vitest';
import { isWritten, summedStatus, sumOf } from '../../../src/agents/sum.ts';
import { tellingOf } from '../../../src/agents/telling.ts';
import type { WirePod } from '../../../src/kube/wire-pod.ts';

const RULE = { nowMs: 100_000, patienceMs: 60_000, without: 0, required: false };
const LONG_AGO = 1_000;
const JUST_NOW = 95_000;

function status(ready: boolean, restartCount = 0, state: object = { running: {} }, more: object = {}) {
  const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False' }];
  return { phase: 'Running', conditions, containerStatuses: [{ name: 'c', ready, restartCount, state }], ...more };
}

const CRASHING = status(false, 3, { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 20s' } });
const CREATING = status(false, 0, { waiting: { reason: 'ContainerCreating' } });
const REFUSED = { phase: 'Failed', reason: 'OutOfcpu', message: 'Pod was rejected' };

let cells = 0;
function telling(seatedAtMs: number, told?: object) {
  cells += 1;
  const agent = { uid: 'u', pod: 'ns/agent-x', seatedAtMs };
  return tellingOf(`cell-${cells}`, told === undefined ? agent : { ...agent, status: told as never });
}

describe('an agent', () => {
  test.each([
    ['is Ready where there is no cell', false, [], true, /on 0 of 0 cells$/],
    [
      'is Ready when it is on all',
      false,
      [
        [LONG_AGO, status(true)],
        [JUST_NOW, status(true)],
      ],
      true,
      /on 2 of 2 cells$/,
    ],
    [
      'is not when it fails on one',
      true,
      [
        [LONG_AGO, status(true)],
        [LONG_AGO, CRASHING],
      ],
      false,
      /on 1 of 2 cells; cell-\d+: CrashLoopBackOff \(back-off 20s\)$/,
    ],
    [
      'stays Ready while it begins on one',
      true,
      [
        [LONG_AGO, status(true)],
        [JUST_NOW, CREATING],
      ],
      true,
      /on 1 of 2 cells$/,
    ],
    [
      'stays not Ready while it begins on one',
      false,
      [
        [LONG_AGO, status(true)],
        [JUST_NOW, CREATING],
      ],
      false,
      /on 1 of 2 cells$/,
    ],
    ['is told of trouble on one where it begins', true, [[JUST_NOW, CRASHING]], true, /; cell-\d+: CrashLoopBackOff/],
    [
      'is not when a cell says nothing of it for long',
      true,
      [[LONG_AGO, undefined]],
      false,
      /on 0 of 1 cells; cell-\d+: it is not Ready$/,
    ],
    [
      'is not when a cell has evicted it',
      true,
      [[LONG_AGO, status(true, 0, {}, { phase: 'Failed', reason: 'Evicted', message: 'no disk' })]],
      false,
      /Evicted \(no disk\)$/,
    ],
    [
      'is not less Ready where it was not let in',
      true,
      [
        [LONG_AGO, status(true)],
        [LONG_AGO, REFUSED],
      ],
      true,
      /on 1 of 1 cells; 1 have no room for it$/,
    ],
  ] as const)('%s', (_, wasReady, seats, ready, message) => {
    const tellings = seats.map(([at, told]) => telling(at, told));
    const sum = sumOf(wasReady, tellings, RULE);
    expect(sum.ready).toBe(ready);
    expect(sum.message).toMatch(message);
  });

  test.each([
    ['is not Ready where no cell has room for it', false, [], 2, false],
    ['is Ready where one has it, and others have no room for it', false, [[LONG_AGO, status(true)]], 2, true],
    ['that is required is not, as long as one has no room for it', true, [[LONG_AGO, status(true)]], 1, false],
    ['is not Ready where it was let in nowhere', false, [[LONG_AGO, REFUSED]], 0, false],
  ] as const)('%s', (_, required, seats, without, ready) => {
    const tellings = seats.map(([at, told]) => telling(at, told));
    const sum = sumOf(true, tellings, { ...RULE, required, without });
    expect(sum.ready).toBe(ready);
    expect(sum.message).toMatch(/; \d have no room for it$/);
  });
});

const POD: WirePod = {
  metadata: { name: 'agent-x', namespace: 'ns', uid: 'u' },
  spec: {
    containers: [{ name: 'c', image: 'agent:1' }],
    initContainers: [{ name: 'setup' }, { name: 'side', restartPolicy: 'Always' }],
  },
  status: {
    startTime: '2026-01-01T00:00:00Z' as never,
    conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:05Z' as never }],
  },
};

describe('the status of an agent', () => {
  test('has the reason of the first cell that it fails on, and the time at which that became so', () => {
    const { conditions, containerStatuses } = summedStatus(POD, [telling(LONG_AGO, CRASHING)], RULE);
    expect(containerStatuses).toMatchObject([
      {
        name: 'c',
        image: 'agent:1',
        ready: false,
        restartCount: 3,
        state: { waiting: { reason: 'CrashLoopBackOff' } },
      },
    ]);
    const ready = conditions.find(({ type }) => type === 'Ready');
    expect(ready).toMatchObject({
      status: 'False',
      reason: 'AgentsNotReady',
      lastTransitionTime: '1970-01-01T00:01:40Z',
    });
    expect(conditions.find(({ type }) => type === 'nodeless.io/CellReady')).toMatchObject({ reason: 'Injected' });
  });

  test('keeps its times, and is not written again, while it stays the same', () => {
    const wanted = summedStatus(POD, [telling(LONG_AGO, status(true, 1))], RULE);
    expect(wanted.conditions.find(({ type }) => type === 'Ready')?.lastTransitionTime).toBe('2026-01-01T00:00:05Z');
    expect(isWritten(POD, wanted)).toBe(false);
    const written = { ...POD, status: { ...POD.status, ...wanted } } as unknown as WirePod;
    expect(isWritten(written, wanted)).toBe(true);
    expect(isWritten(written, summedStatus(written, [telling(LONG_AGO, status(true, 2))], RULE))).toBe(false);
    expect(wanted.initContainerStatuses).toMatchObject([
      { ready: true, state: { terminated: { exitCode: 0 } } },
      { ready: true, state: { running: {} } },
    ]);
  });

  test('counts restarts over all cells, and never less than before', () => {
    const restarts = (pod: WirePod, ...counts: number[]) => {
      const tellings = counts.map((count) => telling(LONG_AGO, status(true, count)));
      return summedStatus(pod, tellings, RULE).containerStatuses[0]?.restartCount;
    };
    expect(restarts(POD, 1, 2)).toBe(3);
    const before = { ...POD, status: { containerStatuses: [{ name: 'c', restartCount: 3 }] } } as unknown as WirePod;
    expect(restarts(before, 1)).toBe(3);
  });

  test.each([
    ['nothing', {}],
    ['numbers for lists', { conditions: 1, containerStatuses: 2 }],
    ['restarts without number', status(true, Number.NaN)],
    ['restarts beyond bounds', status(true, 2 ** 40)],
    ['a reason that is none', status(false, 0, { waiting: { reason: 'x\ny', message: 3 } })],
    ['endless text', status(false, 0, { waiting: { reason: 'A'.repeat(5_000), message: '\u0007'.repeat(5_000) } })],
    [
      'text that is cut in a character',
      status(false, 0, { waiting: { reason: 'A', message: `${'x'.repeat(255)}😀` } }),
    ],
  ])('is one that the API server takes, whatever a cell tells: %s', (_, told) => {
    const wanted = summedStatus(POD, [telling(LONG_AGO, told)], RULE);
    expect(wanted.containerStatuses[0]?.restartCount).toBe(0);
    for (const { message } of wanted.conditions) {
      expect(message.length).toBeLessThan(400);
      expect(message.isWellFormed()).toBe(true);
    }
    expect(JSON.stringify(wanted)).not.toContain('\\u0007');
  });
});
