import { pino } from 'pino';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Clock, systemClock } from '../../../src/core/clock.ts';
import { NODE_GROUPS, nodeUser } from '../../../src/core/names.ts';
import { keepNodeLease } from '../../../src/virtual-node/node-lease.ts';
import { nodeServer } from './node-server.ts';

const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function rig() {
  const { client, close, state } = await nodeServer();
  cleanups.push(close);
  let nowMs = Date.parse('2026-01-01T00:00:00Z');
  const clock: Clock = {
    now: () => nowMs,
    async sleep(ms, signal) {
      await systemClock.sleep(1, signal);
      nowMs += ms;
    },
  };
  const stop = new AbortController();
  cleanups.push(() => stop.abort());
  const nodeClient = client.as({ user: nodeUser('big'), groups: [...NODE_GROUPS] });
  const options = { name: 'big', nodeClient, clock, logger: pino({ level: 'silent' }) };
  const keep = () => keepNodeLease(options, stop.signal);
  return { state, keep, stop, elapsedMs: () => nowMs - Date.parse('2026-01-01T00:00:00Z') };
}

describe("the node's lease", () => {
  test('is created by the node itself, and renewed four times in its duration', async () => {
    const { state, keep, stop, elapsedMs } = await rig();
    const keeping = keep();
    await vi.waitFor(() => expect(elapsedMs()).toBeGreaterThanOrEqual(300_000));
    stop.abort();
    await keeping;
    expect(state.lease?.spec).toMatchObject({ holderIdentity: 'big', leaseDurationSeconds: 40 });
    expect(state.seen.filter((line) => !line.startsWith('node '))).toEqual([]);
    // The creation takes two requests.
    expect(state.seen.length - 1).toBeOneOf([elapsedMs() / 10_000, elapsedMs() / 10_000 + 1]);
  });

  test('is renewed within seconds when an outage of the API server ends', async () => {
    const { state, keep, stop, elapsedMs } = await rig();
    state.down = true;
    const keeping = keep();
    await vi.waitFor(() => expect(state.seen.length).toBeGreaterThan(5));
    // A try each second, so that the end of the outage is seen within one.
    expect(elapsedMs() / 1_000).toBeOneOf([state.seen.length - 1, state.seen.length]);
    state.down = false;
    const asked = state.seen.length;
    await vi.waitFor(() => expect(state.lease).toBeDefined());
    expect(state.seen.slice(asked, asked + 3).filter((line) => line.startsWith('node POST'))).toHaveLength(1);
    stop.abort();
    await keeping;
  });
});
