import { describe, expect, test } from 'vitest';
import { CELL_PHASES } from '../../../src/core/cell.ts';
import { type CellView, decide, type Rules } from '../../../src/pods/decide.ts';
import type { PodView } from '../../../src/pods/pod-view.ts';

const RULES: Rules = {
  nowMs: 1_000_000,
  agentPatienceMs: 60_000,
  launchTimeoutMs: 300_000,
  completedLingerMs: 60_000,
  nodeIsReady: true,
};

function pod(more: Partial<PodView> = {}): PodView {
  const facts = { finished: false, deleting: false, handedOver: false, markedNotReady: false };
  return {
    uid: 'u',
    pod: 'ns/p',
    cellId: 'cell-1',
    place: 'cell',
    absorbed: false,
    injected: false,
    ...facts,
    ...more,
  };
}

function cell(phase: CellView['phase'], more: Partial<CellView> = {}): CellView {
  const taken = { handedOver: false, owesTags: false, isClaimed: false };
  const facts = { canTakePod: false, agentsReady: true, isTooSmall: false, ...taken };
  return { phase, acceptedAtMs: 990_000, ...facts, ...more };
}

describe('the next step of a pod', () => {
  test('a new pod is assigned a cell', () => {
    const { cellId: _, ...unassigned } = pod();
    expect(decide(unassigned, undefined, RULES)).toEqual({ kind: 'assign' });
  });

  test.each([
    ['ready', { owesTags: true, canTakePod: true, acceptedAtMs: 999_000 }, 'own'],
    ['ready', { canTakePod: true }, 'handOver'],
    ['booting', { canTakePod: true }, 'handOver'],
    ['booting', {}, 'nothing'],
    ['ready', { owesTags: true, acceptedAtMs: 900_000 }, 'replace'],
    ['ending', {}, 'replace'],
    ['lost', {}, 'replace'],
  ] as const)('a pod that does not say yet which cell it has claimed: %s, %j → %s', (phase, more, kind) => {
    const { cellId: _, ...untold } = pod();
    expect(decide(untold, cell(phase, { isClaimed: true, ...more }), RULES).kind).toBe(kind);
    expect(decide(untold, cell(phase, more), RULES).kind).toBe('assign');
  });

  test('an assigned pod whose cell this process does not know is launched under the same id', () => {
    expect(decide(pod(), undefined, RULES)).toEqual({ kind: 'launch' });
  });

  test('a pod is handed over only when its cell can take it', () => {
    expect(decide(pod(), cell('booting'), RULES).kind).toBe('nothing');
    expect(decide(pod(), cell('booting', { canTakePod: true }), RULES)).toEqual({ kind: 'handOver' });
  });

  test.each([
    ['booting', {}, { kind: 'awaitAgents', isLate: false }],
    ['ready', { readyAtMs: 990_000 }, { kind: 'awaitAgents', isLate: false }],
    ['ready', { readyAtMs: 940_000 }, { kind: 'awaitAgents', isLate: true }],
    ['ready', { readyAtMs: 100_000, acceptedAtMs: 100_000 }, { kind: 'awaitAgents', isLate: true }],
    ['running', { readyAtMs: 990_000 }, { kind: 'awaitAgents', isLate: false }],
    ['ready', { readyAtMs: 940_000, agentsReady: true }, { kind: 'handOver' }],
  ] as const)(
    'nor before its cell’s required agents are Ready, however long that takes (%s, %j)',
    (phase, more, step) => {
      expect(decide(pod(), cell(phase, { canTakePod: true, agentsReady: false, ...more }), RULES)).toEqual(step);
    },
  );

  test.each([
    ['is made one', {}, { kind: 'inject' }],
    ['that is one already is left alone', { injected: true }, { kind: 'nothing' }],
    ['that ends is left to its cells', { injected: true, deleting: true }, { kind: 'nothing' }],
    ['that ends before it was one is deleted', { deleting: true }, { kind: 'deletePod' }],
    ['that was absorbed stays so', { absorbed: true }, { kind: 'nothing' }],
    ['may not be one any more, and is deleted', { injected: true, place: 'not-injected' }, { kind: 'deletePod' }],
    ['may not be one, and waits', { place: 'not-injected' }, { kind: 'assign' }],
  ] as const)('an agent %s', (_, more, step) => {
    const { cellId: _cell, ...unassigned } = pod({ place: 'every-cell', ...more });
    expect(decide(unassigned, undefined, RULES)).toEqual(step);
  });

  test('a cell that will never have enough for its pod is replaced at once, and not waited for', () => {
    expect(decide(pod(), cell('booting', { isTooSmall: true }), RULES)).toMatchObject({ kind: 'replace' });
    const running = cell('running', { isTooSmall: true, handedOver: true });
    expect(decide(pod({ handedOver: true }), running, RULES)).toEqual({ kind: 'nothing' });
  });

  test('a cell that does not come in time is replaced', () => {
    expect(decide(pod(), cell('booting', { acceptedAtMs: 600_000 }), RULES)).toMatchObject({ kind: 'replace' });
    expect(decide(pod(), cell('booting'), RULES)).toEqual({ kind: 'nothing', againMs: 290_000 });
  });

  test('a pod deleted before its hand-over is deleted by us, at every stage', () => {
    for (const phase of ['requested', 'launching', 'booting', 'lost', 'ending'] as const) {
      expect(decide(pod({ deleting: true }), cell(phase), RULES)).toEqual({ kind: 'deletePod' });
    }
    expect(decide(pod({ deleting: true }), undefined, RULES)).toEqual({ kind: 'deletePod' });
  });

  test('a terminating pod is left to its kubelet while there is one', () => {
    const terminating = pod({ deleting: true, handedOver: true });
    expect(decide(terminating, cell('running', { handedOver: true }), RULES)).toEqual({ kind: 'nothing' });
    expect(decide(terminating, cell('lost', { handedOver: true }), RULES)).toEqual({ kind: 'deletePod' });
    expect(decide(terminating, undefined, RULES)).toEqual({ kind: 'deletePod' });
  });

  test('a terminating pod whose hand-over was written and never made is deleted by us', () => {
    expect(decide(pod({ deleting: true, handedOver: true }), cell('ready'), RULES)).toEqual({ kind: 'deletePod' });
  });

  test('a cell that runs other pods is not given up for one that it can not take yet', () => {
    const late = cell('running', { acceptedAtMs: 0 });
    expect(decide(pod(), late, RULES)).toEqual({ kind: 'nothing' });
    expect(decide(pod(), { ...late, canTakePod: true }, RULES)).toEqual({ kind: 'handOver' });
  });

  test('a hand-over that was written and never made is made again', () => {
    const written = pod({ handedOver: true });
    for (const phase of ['ready', 'running'] as const) {
      expect(decide(written, cell(phase, { canTakePod: true }), RULES)).toEqual({ kind: 'handOver' });
    }
  });

  test('the hand-over counts from the moment this process made it, before the watch tells', () => {
    const stale = pod({ deleting: true, handedOver: false });
    expect(decide(stale, cell('running', { handedOver: true }), RULES)).toEqual({ kind: 'nothing' });
  });

  test('a pod that was marked not Ready is looked at while its node is Ready, and only then', () => {
    const marked = pod({ handedOver: true, markedNotReady: true });
    const runs = cell('running', { handedOver: true });
    expect(decide(marked, runs, RULES)).toEqual({ kind: 'restoreReady' });
    expect(decide(marked, runs, { ...RULES, nodeIsReady: false })).toEqual({ kind: 'nothing', againMs: 1_000 });
    expect(decide({ ...marked, deleting: true }, runs, RULES)).toEqual({ kind: 'nothing' });
  });

  test('a running pod whose machine ended fails; one that never ran gets another cell', () => {
    expect(decide(pod({ handedOver: true }), undefined, RULES)).toMatchObject({ kind: 'fail' });
    expect(decide(pod({ handedOver: true }), cell('lost', { reason: 'spot' }), RULES)).toEqual({
      kind: 'fail',
      reason: 'spot',
    });
    expect(decide(pod(), cell('lost', { reason: 'spot' }), RULES)).toEqual({ kind: 'replace', reason: 'spot' });
  });

  test('a finished pod keeps its cell for the linger, then loses it', () => {
    const finished = pod({ finished: true, handedOver: true, finishedAtMs: 950_000 });
    expect(decide(finished, cell('running'), RULES)).toEqual({ kind: 'nothing', againMs: 10_000 });
    expect(decide({ ...finished, finishedAtMs: 900_000 }, cell('running'), RULES)).toMatchObject({ kind: 'endCell' });
    expect(decide(finished, cell('running'), { ...RULES, completedLingerMs: Number.POSITIVE_INFINITY })).toEqual({
      kind: 'nothing',
    });
  });

  test('a finished pod is never given a cell again', () => {
    const finished = pod({ finished: true, handedOver: true });
    expect(decide(finished, undefined, RULES)).toEqual({ kind: 'nothing' });
    expect(decide({ ...finished, deleting: true }, undefined, RULES)).toEqual({ kind: 'deletePod' });
  });

  test('a pod that is gone ends its cell in every phase, once', () => {
    for (const phase of CELL_PHASES.filter((one) => one !== 'ending')) {
      expect(decide(undefined, cell(phase), RULES)).toMatchObject({ kind: 'endCell' });
    }
    expect(decide(undefined, cell('ending'), RULES)).toEqual({ kind: 'nothing' });
    expect(decide(undefined, undefined, RULES)).toEqual({ kind: 'nothing' });
  });
});
