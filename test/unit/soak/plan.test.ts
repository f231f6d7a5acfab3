import { describe, expect, test } from 'vitest';
import type { Step } from '../../soak/actions.ts';
import { emptyFigures, missingKills } from '../../soak/figures.ts';
import { isLongEnough } from '../../soak/length.ts';
import { planOf } from '../../soak/plan.ts';
import { seededRandom } from '../../soak/random.ts';
import { emptyWorkload, nextWorkloadAction, wantedPods } from '../../soak/workload.ts';

function firstSteps(seed: number, count: number): readonly Step[] {
  const plan = planOf(seed);
  return Array.from({ length: count }, () => plan.next().value);
}

const SEEDS = [1, 2, 3, 42, 1_000_003];

describe('a plan', () => {
  test('is the same for the same seed, and another for another', () => {
    expect(firstSteps(7, 500)).toEqual(firstSteps(7, 500));
    expect(firstSteps(7, 500)).not.toEqual(firstSteps(8, 500));
  });

  test.each(SEEDS)('has every kind of action in 3000 steps, and kills the provider most (seed %i)', (seed) => {
    const kinds = Object.groupBy(firstSteps(seed, 3_000), ({ action }) => action.kind);
    expect(Object.keys(kinds).sort()).toEqual(
      [
        ...['createPod', 'createDeployment', 'createJob', 'scale', 'update', 'deletePod', 'deleteReplica'],
        ...['deleteDeployment', 'deleteJob', 'changeConfigMap', 'labelPod', 'settle'],
        ...['killProvider', 'stopProvider', 'startProvider', 'freezeProvider', 'thawProvider'],
        ...['killApiServer', 'startApiServer', 'freezeApiServer', 'thawApiServer'],
        ...['killKubelet', 'killContainerd', 'killCell', 'killLaunch', 'deleteCell'],
      ].sort(),
    );
    expect(kinds.killProvider?.length).toBeGreaterThan(600);
  });

  test.each(SEEDS)('never hurts a provider or an API server that is away, and brings each back (seed %i)', (seed) => {
    const state = { Provider: 'running', ApiServer: 'running' };
    const next = { kill: 'away', stop: 'away', start: 'running', freeze: 'frozen', thaw: 'running' } as const;
    const allowed = { kill: 'running', stop: 'running', start: 'away', freeze: 'running', thaw: 'frozen' } as const;
    for (const { action } of firstSteps(seed, 3_000)) {
      const [, verb, whom] = /^(kill|stop|start|freeze|thaw)(Provider|ApiServer)$/.exec(action.kind) ?? [];
      if (action.kind === 'settle') expect(state).toEqual({ Provider: 'running', ApiServer: 'running' });
      if (verb === undefined || whom === undefined) continue;
      expect(state[whom as keyof typeof state]).toBe(allowed[verb as keyof typeof allowed]);
      state[whom as keyof typeof state] = next[verb as keyof typeof next];
    }
  });

  test.each(SEEDS)('does nothing that needs the API server while that is away (seed %i)', (seed) => {
    let away = false;
    for (const { action } of firstSteps(seed, 3_000)) {
      if (/^(freeze|kill)ApiServer$/.test(action.kind)) away = true;
      else if (/^(thaw|start)ApiServer$/.test(action.kind)) away = false;
      else if (away) expect(action.kind).toMatch(/Provider$/);
    }
  });
});

test.each(SEEDS)('never are more pods wanted than a small machine can run (seed %i)', (seed) => {
  const workload = emptyWorkload();
  const random = seededRandom(seed);
  for (let step = 0; step < 2_000; step++) {
    nextWorkloadAction(workload, random);
    expect(wantedPods(workload)).toBeLessThanOrEqual(8);
  }
});

describe('a soak with a lower bound of kills', () => {
  const length = { minutes: 2, kills: 10 };

  test.each([
    ['goes on before its time, however many there were', 1.9, 100, false],
    ['ends at its time when there were enough', 2.1, 10, true],
    ['goes on past its time for those that are missing', 2.1, 9, false],
    ['ends at twice its time', 4.1, 9, true],
  ])('%s', (_, minutes, kills, over) => {
    expect(isLongEnough(length, { passedMs: minutes * 60_000, kills })).toBe(over);
  });

  test('has failed when there were fewer', () => {
    const figures = emptyFigures();
    figures.actions.killProvider = 9;
    expect(missingKills(figures, 10)).toHaveLength(1);
    expect(missingKills(figures, 9)).toEqual([]);
  });
});
