import { pino } from 'pino';
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

describe('events', () => {
  it('of a burst of pods take no more than 50 writes a second, and all are written in the end', async () => {
    let written = 0;
    const client: KubeClient = {
      async request() {
        written += 1;
        return { status: 201, contentType: 'application/json', body: Buffer.from('{}') };
      },
      stream: () => Promise.reject(new Error('not used')),
      as: () => client,
      close: async () => undefined,
    };
    const logger = pino({ level: 'silent' });
    const events = new EventRecorder({ client, component: 'nodeless', host: 'n', clock: systemClock, logger });
    const pod = { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'p', namespace: 'default' } };
    for (let i = 0; i < 1_000; i += 1) events.normal(pod, 'CellRequested', `cell ${i}`);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(written).toBe(100);
    await vi.advanceTimersByTimeAsync(9_000);
    expect(written).toBeLessThanOrEqual(600);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(written).toBe(1_000);
  });
});
