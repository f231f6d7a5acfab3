import { describe, expect, test } from 'vitest';
import { accountOf } from '../../../src/cli/why/account.ts';
import { accountText } from '../../../src/cli/why/account-text.ts';
import { readEvidence } from '../../../src/cli/why/evidence.ts';
import { podNameOf } from '../../../src/cli/why/pod-argument.ts';
import type { KubeClient, KubeRequest } from '../../../src/kube/client.ts';
import type { WirePod } from '../../../src/kube/wire-pod.ts';

const CHOICE = {
  attempt: 2,
  cellClass: 'batch',
  need: { cpu: '1' },
  instanceType: 'm7g.large',
  launchType: 'ec2-spot',
  zone: 'a',
  pricePerHourUsd: 0.05,
  why: 'm7g.large is the cheapest',
};

function pod(annotations: Record<string, string>, condition?: object): WirePod {
  const conditions = condition === undefined ? [] : [{ type: 'nodeless.io/CellReady', ...condition }];
  return {
    metadata: { name: 'web', namespace: 'ns', uid: 'u', annotations },
    spec: { containers: [], nodeName: 'nodeless' },
    status: { phase: 'Pending', conditions },
  } as unknown as WirePod;
}

/** An API server that has no pods, and these events. */
function without(events: readonly object[]): KubeClient {
  const answered = (status: number, body: object) => ({
    status,
    contentType: 'application/json',
    body: Buffer.from(JSON.stringify(body)),
  });
  return {
    request: async ({ path }: KubeRequest) =>
      path.endsWith('/events') ? answered(200, { items: events }) : answered(404, { kind: 'Status', code: 404 }),
  } as unknown as KubeClient;
}

describe('a pod that is not there', () => {
  test('is told of by the last event that is left: why it was sent to another zone, for one', async () => {
    const events = [
      { reason: 'Rescheduled', message: 'zone a has no capacity', lastTimestamp: '2026-01-01T00:00:02Z' },
      { reason: 'InsufficientCapacity', message: 'nothing', lastTimestamp: '2026-01-01T00:00:01Z' },
    ];
    const message =
      'there is no pod web in namespace ns any more; the last that was told of it, at 2026-01-01T00:00:02Z: Rescheduled: zone a has no capacity';
    await expect(readEvidence(without(events), 'ns', 'web')).rejects.toMatchObject({ code: 'NotFound', message });
  });

  test('and of which nothing was told is not known', async () => {
    const message = 'there is no pod web in namespace ns; another namespace is given by -n';
    await expect(readEvidence(without([]), 'ns', 'web')).rejects.toMatchObject({ code: 'NotFound', message });
  });
});

describe('the account of a pod', () => {
  const annotations = {
    'nodeless.io/decision': 'cell: stateless',
    'nodeless.io/cell': 'cell-x',
    'nodeless.io/choice': JSON.stringify(CHOICE),
  };
  const phases = {
    booting: '2026-01-01T00:00:01.500000Z',
    requested: '2026-01-01T00:00:00.000000Z',
    launching: '2026-01-01T00:00:00.250000Z',
  };
  const cell = {
    metadata: { name: 'cell-x' },
    status: {
      phase: 'booting',
      instanceType: 'm7g.large',
      launchType: 'ec2-spot',
      zone: 'a',
      pricePerHourUsd: '0.0500',
      phases,
    },
  };

  test('tells decision, choice, attempt, cell, stages and what happened, in order of time', () => {
    const state = {
      status: 'False',
      reason: 'CellRequested',
      message: 'asked for',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    };
    const events = [
      { type: 'Normal', reason: 'CellLaunched', message: 'accepted', lastTimestamp: '2026-01-01T00:00:02Z' },
      {
        type: 'Warning',
        reason: 'CellLaunchFailed',
        message: 'no capacity',
        firstTimestamp: '2025-12-31T23:59:59Z',
        count: 3,
      },
    ];
    const account = accountOf({ pod: pod(annotations, state), cell, events });
    expect(account).toMatchObject({
      decision: 'cell: stateless',
      choice: CHOICE,
      cell: { id: 'cell-x', exists: true },
    });
    expect(account.stages).toEqual([
      { phase: 'requested', at: phases.requested, seconds: 0.25 },
      { phase: 'launching', at: phases.launching, seconds: 1.25 },
      { phase: 'booting', at: phases.booting },
    ]);
    expect(account.happenings.map(({ reason }) => reason)).toEqual(['CellLaunchFailed', 'CellLaunched']);
    const text = accountText(account);
    for (const told of [
      'ns/web is Pending, on node nodeless',
      'cell: stateless',
      'attempt 2',
      '$0.0500/h',
      '1.250 s',
      '×3',
    ]) {
      expect(text).toContain(told);
    }
  });

  test('tells the stages in the order in which they came', () => {
    const ended = { requested: '2026-01-01T00:00:00Z', ending: '2026-01-01T00:00:02Z', lost: '2026-01-01T00:00:01Z' };
    const lost = { ...cell, status: { ...cell.status, phases: ended } };
    const { stages } = accountOf({ pod: pod(annotations), cell: lost, events: [] });
    expect(stages.map(({ phase }) => phase)).toEqual(['requested', 'lost', 'ending']);
  });

  test('tells stages and attempt by the pod itself when its Cell object is gone, or it joined another’s', () => {
    const start = JSON.stringify({ attempt: 3, phases: { ...phases, ready: '2026-01-01T00:00:04.500000Z' } });
    const account = accountOf({ pod: pod({ 'nodeless.io/cell': 'cell-x', 'nodeless.io/start': start }), events: [] });
    expect(account.attempt).toBe(3);
    expect(account.stages.map(({ phase, seconds }) => [phase, seconds])).toEqual([
      ['requested', 0.25],
      ['launching', 1.25],
      ['booting', 3],
      ['ready', undefined],
    ]);
    const text = accountText(account);
    expect(text).toContain('attempt 3');
    expect(text).not.toContain('now');
  });

  test('that was given a cell of a pool says so, and counts nothing of what the cell did before', () => {
    const ready = '2026-01-01T01:00:00.000000Z';
    const claimed = { ...phases, requested: ready, launching: ready, booting: ready, ready };
    const start = JSON.stringify({ attempt: 1, phases: claimed, pool: 'web' });
    const running = '2026-01-01T01:00:00.020000Z';
    const shown = { ...cell, status: { ...cell.status, phases: { ...phases, running } } };
    const account = accountOf({
      pod: pod({ 'nodeless.io/cell': 'cell-x', 'nodeless.io/start': start }),
      cell: shown,
      events: [],
    });
    expect(account.pool).toBe('web');
    expect(account.stages.at(-2)).toEqual({ phase: 'ready', at: ready, seconds: 0.02 });
    expect(accountText(account)).toContain('start      warm: its cell had waited in pool web');
  });

  test.each(['{', '{"attempt": 0}', '{"attempt": 1, "phases": {"ready": "soon"}}'])(
    'believes no start that can not be read: %s',
    (start) => {
      const account = accountOf({ pod: pod({ 'nodeless.io/start': start }), events: [] });
      expect(account.stages).toEqual([]);
      expect(account).not.toHaveProperty('attempt');
    },
  );

  test('tells what there is of a pod that the cluster has forgotten most about', () => {
    const bare = accountOf({
      pod: pod({ 'nodeless.io/cell': 'cell-x', 'nodeless.io/choice': '{"attempt": "x"' }),
      events: [],
    });
    const text = accountText(bare);
    expect(text).toContain('cell-x, which has no Cell object any more');
    expect(text).toContain('No events are left');
    expect(text).toContain('none is written on it: routing leaves it untouched, or was not asked about it');
    expect(bare).not.toHaveProperty('choice');
  });

  test.each([
    ['False', 'Absorbed', 'is reported Ready and runs nowhere since'],
    ['False', 'Injected', 'is in every cell since'],
    ['True', 'CellReady', 'handed to its cell since'],
  ])('says of a condition that is %s for %s that the pod %s', (status, reason, told) => {
    const condition = { status, reason, message: 'as it is', lastTransitionTime: '2026-01-01T00:00:00Z' };
    const text = accountText(accountOf({ pod: pod({}, condition), events: [] }));
    expect(text).toContain(`state      ${told} 2026-01-01T00:00:00Z: as it is`);
  });

  test('says of a pod whose cell went that it has lost it, though its own condition is as it was', () => {
    const ready = { status: 'True', reason: 'CellReady', message: 'ready', lastTransitionTime: '2026-01-01T00:00:00Z' };
    const lost = pod({ 'nodeless.io/cell': 'cell-x' }, ready);
    const disrupted = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'CellLost',
      message: 'its machine ended',
      lastTransitionTime: '2026-01-01T00:01:00Z',
    };
    const conditions = [...(lost.status?.conditions ?? []), disrupted];
    const failed = { ...lost, status: { phase: 'Failed', reason: 'CellLost', conditions } } as unknown as WirePod;
    const account = accountOf({ pod: failed, events: [] });
    expect(account.state).toMatchObject({ is: 'lost', ready: false });
    expect(accountText(account)).toContain(
      'state      has lost its cell since 2026-01-01T00:01:00Z: its machine ended',
    );
  });

  test('tells events of one second, some of which have no parts of it, in the order in which things happen', () => {
    const at = (reason: string, stamp: object, component = 'nodeless') => ({ reason, source: { component }, ...stamp });
    const events = [
      at('Started', { lastTimestamp: '2026-01-01T00:00:01Z' }, 'kubelet'),
      at('CellReady', { lastTimestamp: '2026-01-01T00:00:01Z' }),
      at('CellLaunched', { lastTimestamp: '2026-01-01T00:00:01Z' }),
      at('CellReplaced', { lastTimestamp: '2026-01-01T00:00:01Z' }),
      at('CellRequested', { lastTimestamp: '2026-01-01T00:00:01Z' }),
      at('NoRoom', { lastTimestamp: '2026-01-01T00:00:01Z' }),
      at('Scheduled', { eventTime: '2026-01-01T00:00:01.734212Z' }, 'default-scheduler'),
      at('Evicted', { lastTimestamp: '2026-01-01T00:00:00Z' }),
    ];
    expect(accountOf({ pod: pod({}), events }).happenings.map(({ reason }) => reason)).toEqual([
      'Evicted',
      'Scheduled',
      'NoRoom',
      'CellRequested',
      'CellReplaced',
      'CellLaunched',
      'CellReady',
      'Started',
    ]);
  });

  test('says of a waiting pod what it waits for', () => {
    const waiting = {
      status: 'False',
      reason: 'BudgetExceeded',
      message: 'spent',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    };
    const text = accountText(accountOf({ pod: pod({}, waiting), events: [] }));
    expect(text).toContain('waits, BudgetExceeded since 2026-01-01T00:00:00Z: spent');
  });
});

describe('the pod that is asked about', () => {
  test.each(['web', 'pod/web', 'pods/web', 'po/web'])('is named by %s', (argument) => {
    expect(podNameOf(argument)).toBe('web');
  });

  test.each(['deployment/web', 'pod/', '', '../nodes/x'])('is none by %j', (argument) => {
    expect(() => podNameOf(argument)).toThrow(expect.objectContaining({ code: 'ConfigInvalid' }));
  });
});
