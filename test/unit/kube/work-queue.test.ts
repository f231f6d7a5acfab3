import { pino } from 'pino';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import { WorkQueue } from '../../../src/kube/work-queue.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';

const logger = pino({ level: 'silent' });
const stop = { controller: new AbortController() };
afterEach(() => {
  stop.controller.abort();
  stop.controller = new AbortController();
});

function queueOf(work: (key: string) => Promise<number | undefined>, concurrency = 4): WorkQueue {
  const queue = new WorkQueue({ name: 'test', work, concurrency, clock: systemClock, logger });
  queue.start(stop.controller.signal);
  return queue;
}

describe('work queue', () => {
  test('never works twice at once on one key, and works again on what changed meanwhile', async () => {
    let atOnce = 0;
    let most = 0;
    let runs = 0;
    const queue = queueOf(async () => {
      runs += 1;
      atOnce += 1;
      most = Math.max(most, atOnce);
      await systemClock.sleep(10);
      atOnce -= 1;
      return undefined;
    });
    queue.add('a');
    queue.add('a');
    await systemClock.sleep(2);
    queue.add('a');
    queue.add('a');
    await vi.waitFor(() => expect(queue.depth).toBe(0));
    expect([most, runs]).toEqual([1, 2]);
  });

  test('a failure is retried until it works, and does not stop other keys', async () => {
    const tries: string[] = [];
    const queue = queueOf(async (key) => {
      tries.push(key);
      if (key === 'bad' && tries.filter((one) => one === 'bad').length < 3) throw new Error('not yet');
      return undefined;
    });
    queue.add('bad');
    queue.add('good');
    await vi.waitFor(() => expect(tries.filter((one) => one === 'bad')).toHaveLength(3));
    expect(tries).toContain('good');
  });

  test('a key that asks to be looked at later is, without being added', async () => {
    const at: number[] = [];
    const queue = queueOf(async () => {
      at.push(systemClock.now());
      return at.length < 3 ? 20 : undefined;
    });
    queue.add('a');
    await vi.waitFor(() => expect(at).toHaveLength(3));
    expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(19);
  });

  test.each([2 ** 31, 30 * 24 * 3_600_000])('a look that is due in %d ms sets a timer that holds it', (ms) => {
    const timers = vi.spyOn(globalThis, 'setTimeout');
    queueOf(async () => undefined).addAfter('a', ms);
    expect(timers).toHaveBeenCalledExactlyOnceWith(expect.any(Function), 3_600_000);
    timers.mockRestore();
  });

  test('a look that is due beyond the reach of a timer comes when it is due', async () => {
    vi.useFakeTimers();
    const seen: number[] = [];
    queueOf(async () => {
      seen.push(systemClock.now());
      return undefined;
    }).addAfter('a', 2 ** 31 + 1_000);
    const startedMs = systemClock.now();
    await vi.advanceTimersByTimeAsync(2 ** 31);
    expect(seen).toEqual([]);
    await vi.advanceTimersByTimeAsync(2_000);
    vi.useRealTimers();
    expect(seen).toEqual([startedMs + 2 ** 31 + 1_000]);
  });

  test('a log line tells which item failed, through the redaction of secrets', async () => {
    const lines: Record<string, unknown>[] = [];
    const logging = createLogger('info', { write: (line) => lines.push(JSON.parse(line)) });
    const work = () => Promise.reject(new Error('no machine'));
    const queue = new WorkQueue({ name: 'pods', work, concurrency: 1, clock: systemClock, logger: logging });
    queue.start(stop.controller.signal);
    queue.add('uid-of-the-pod');
    await vi.waitFor(() => expect(lines).toHaveLength(1));
    expect(lines[0]).toMatchObject({ queue: 'pods', item: 'uid-of-the-pod', reason: 'no machine' });
  });

  test('keys added before the start are kept for it', async () => {
    const seen: string[] = [];
    const work = async (key: string) => void seen.push(key);
    const queue = new WorkQueue({
      name: 'test',
      work: async (key) => work(key) as Promise<undefined>,
      concurrency: 1,
      clock: systemClock,
      logger,
    });
    queue.add('early');
    queue.start(stop.controller.signal);
    await vi.waitFor(() => expect(seen).toEqual(['early']));
  });
});
