import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Cell } from '../../../src/cells/cell.ts';
import { systemClock } from '../../../src/core/clock.ts';
import type { PodEvidence } from '../../../src/core/pod-evidence.ts';
import type { WirePod } from '../../../src/kube/wire-pod.ts';
import { Readiness } from '../../../src/pods/restore-ready.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function markedPod(name: string, since: string): WirePod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'ns', uid: name },
    spec: { containers: [{ name: 'c', readinessProbe: { periodSeconds: 3 } }] },
    status: { conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: since as unknown as Date }] },
  };
}

function counts(successful: number, failed = 0): PodEvidence {
  return { running: new Set(['c']), probes: new Map([['c', { successful, failed }]]) };
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

/** Readiness over kubelets that answer as `answer` says. */
function readiness(answer: (podUid: string, signal: AbortSignal) => Promise<PodEvidence | undefined>) {
  const asked: string[] = [];
  const evidenceOf = (_cell: Cell, podUid: string, signal: AbortSignal) => {
    asked.push(podUid);
    return answer(podUid, signal);
  };
  const made = new Readiness({ evidenceOf, clock: systemClock, logger: pino({ level: 'silent' }) });
  const stop = new AbortController();
  const answered = vi.fn();
  const look = (name: string, since = '1') =>
    made.look(markedPod(name, since), { cellId: `cell-${name}`, podUid: name } as Cell, answered, stop.signal);
  return { made, look, asked, answered, stop };
}

/** As the pod controller does: looks when it is told to, until the time is over; true when the pod was proved ready. */
async function follow({ look }: ReturnType<typeof readiness>, name: string, forMs: number): Promise<boolean> {
  const untilMs = Date.now() + forMs;
  while (Date.now() < untilMs) {
    const result = look(name);
    if (result === true) return true;
    await vi.advanceTimersByTimeAsync(Math.min(result.againMs ?? 10, untilMs - Date.now()));
  }
  return false;
}

describe('the evidence of readiness', () => {
  test('is asked for in the background, once per pod at a time, and told of when it is there', async () => {
    const world = readiness(async () => {
      await pause(4_000);
      return counts(1);
    });
    expect([world.look('p'), world.look('p')]).toEqual([{}, {}]);
    expect(world.look('p', 'marked again')).toEqual({});
    expect(world.asked).toEqual(['p']);
    expect(world.answered).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(4_000);
    expect(world.answered).toHaveBeenCalledTimes(1);
  });

  test('is asked for again after the probe’s period, and proves the pod ready by one more success', async () => {
    let successful = 5;
    const world = readiness(async () => counts(successful));
    expect(await follow(world, 'p', 3_400)).toBe(false);
    expect(world.asked).toHaveLength(1);
    successful = 6;
    expect(await follow(world, 'p', 3_400)).toBe(true);
    expect(world.asked).toHaveLength(2);
  });

  test('that says not ready is not asked for again and again', async () => {
    const world = readiness(async () => ({ running: new Set<string>(), probes: new Map() }));
    expect(await follow(world, 'p', 59_000)).toBe(false);
    expect(world.asked).toHaveLength(1);
  });

  test('of a kubelet that does not answer is asked for ever more rarely', async () => {
    const world = readiness(async () => undefined);
    await follow(world, 'p', 60_000);
    const first = world.asked.length;
    await follow(world, 'p', 240_000);
    expect(first).toBeGreaterThan(2);
    expect(first).toBeLessThan(8);
    expect(world.asked.length - first).toBeLessThan(10);
  });

  test('of an earlier outage proves nothing', async () => {
    let successful = 5;
    const world = readiness(async () => counts(successful));
    world.look('p', 'first outage');
    await vi.advanceTimersByTimeAsync(3_500);
    successful = 6;
    world.look('p', 'second outage');
    await vi.advanceTimersByTimeAsync(10);
    expect(world.look('p', 'second outage')).toEqual({ againMs: expect.any(Number) });
  });

  test('that could not be used for long proves nothing', async () => {
    let successful = 5;
    const world = readiness(async () => counts(successful++));
    world.look('p');
    await vi.advanceTimersByTimeAsync(3_500);
    world.look('p');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(world.look('p')).not.toBe(true);
  });

  test('is asked of no more than eight kubelets at once, and of none that is known to be silent before the others', async () => {
    let silent = true;
    const world = readiness(async () => {
      await pause(5_000);
      return silent ? undefined : counts(1);
    });
    const mute = Array.from({ length: 8 }, (_, at) => `mute-${at}`);
    for (const name of mute) world.look(name);
    await vi.advanceTimersByTimeAsync(10_100);
    silent = false;
    // Eight that are new take the places; then all the others wait, the silent ones first.
    for (let at = 0; at < 8; at += 1) world.look(`new-${at}`);
    for (const name of mute) world.look(name);
    world.look('late');
    expect(world.asked).toHaveLength(16);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(world.asked).toHaveLength(24);
    expect(world.asked.indexOf('late')).toBe(16);
  });

  test('is not asked for any more once the signal has aborted', async () => {
    const world = readiness(async (_, signal) => {
      await pause(60_000, signal);
      return undefined;
    });
    for (let at = 0; at < 20; at += 1) world.look(`p-${at}`);
    world.stop.abort();
    await vi.advanceTimersByTimeAsync(0);
    expect(world.asked).toHaveLength(8);
    expect(vi.getTimerCount()).toBe(0);
  });
});
