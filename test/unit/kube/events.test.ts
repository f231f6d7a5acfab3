import { type Logger, pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import { EventRecorder } from '../../../src/kube/events.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const POD = { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'p', namespace: 'default' } };

/** A recorder, with what it has written and what it has warned of; `answer` decides the status of each write. */
function recorder(answer: () => number = () => 201) {
  const written: string[] = [];
  const warned: object[] = [];
  const stop = new AbortController();
  const client: KubeClient = {
    async request({ body }) {
      const status = answer();
      if (status < 400) written.push((body as { message: string }).message);
      return { status, contentType: 'application/json', body: Buffer.from('{}') };
    },
    stream: () => Promise.reject(new Error('not used')),
    as: () => client,
    close: async () => undefined,
  };
  const logger = {
    ...pino({ level: 'silent' }),
    debug: () => undefined,
    warn: (fields: object) => warned.push(fields),
  };
  const options = { client, component: 'nodeless', host: 'n', clock: systemClock, logger: logger as unknown as Logger };
  return { events: new EventRecorder(options, stop.signal), written, warned, stop };
}

describe('events', () => {
  it('of a burst of pods take no more than 50 writes a second, and all are written in the end', async () => {
    const { events, written } = recorder();
    for (let i = 0; i < 1_000; i += 1) events.normal(POD, 'CellRequested', `cell ${i}`);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(written).toHaveLength(100);
    await vi.advanceTimersByTimeAsync(9_000);
    expect(written.length).toBeLessThanOrEqual(600);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(written).toHaveLength(1_000);
  });

  it('hold nobody up once their signal has aborted: nothing more is written, and no timer is left', async () => {
    const { events, written, stop } = recorder();
    for (let i = 0; i < 1_000; i += 1) events.normal(POD, 'CellRequested', `cell ${i}`);
    await vi.advanceTimersByTimeAsync(1_000);
    stop.abort();
    events.warning(POD, 'CellLost', 'too late');
    await vi.advanceTimersByTimeAsync(0);
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(written).toHaveLength(100);
  });

  it('that warn overtake those that do not', async () => {
    const { events, written } = recorder();
    for (let i = 0; i < 500; i += 1) events.normal(POD, 'CellRequested', `cell ${i}`);
    events.warning(POD, 'CellLost', 'lost');
    await vi.advanceTimersByTimeAsync(3_000);
    expect(written.slice(0, 110)).toContain('lost');
  });

  it('that warn are still taken when normal ones are dropped, and it is told once how many were lost', async () => {
    const { events, written, warned } = recorder();
    for (let i = 0; i < 10_100; i += 1) events.normal(POD, 'CellRequested', `cell ${i}`);
    for (let i = 0; i < 50; i += 1) events.warning(POD, 'CellLost', `lost ${i}`);
    await vi.advanceTimersByTimeAsync(5_000);
    for (let i = 0; i < 500; i += 1) events.normal(POD, 'CellRequested', `late ${i}`);
    await vi.advanceTimersByTimeAsync(400_000);
    expect(written.filter((message) => message.startsWith('lost'))).toHaveLength(50);
    expect(warned).toEqual([{ events: 10_650 - written.length }]);
    expect(written.length).toBeLessThan(10_650);
  });

  it('that the API server could not take are counted, and told once when it does again', async () => {
    let status = 503;
    const { events, warned } = recorder(() => status);
    for (let i = 0; i < 30; i += 1) {
      events.normal(POD, 'CellRequested', `cell ${i}`);
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(warned).toEqual([]);
    status = 201;
    for (let i = 0; i < 5; i += 1) events.normal(POD, 'CellRequested', `cell ${i}`);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(warned).toEqual([{ events: 30 }]);
  });
});
