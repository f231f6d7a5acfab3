import { pino } from 'pino';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import { becomeLeader } from '../../../src/kube/leadership.ts';
import { answer, scriptedApiServer } from '../../support/scripted-api-server.ts';

const logger = pino({ level: 'silent' });
const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A lease with optimistic locking, as the API server keeps it. */
async function leaseServer() {
  const state = {
    lease: undefined as { spec: Record<string, unknown>; metadata: Record<string, unknown> } | undefined,
    version: 0,
    down: false,
    /** Awaited after a write was applied, before it is answered. */
    beforeAnswer: async () => {},
    /** Methods of the requests. */
    asked: [] as string[],
    /** Somebody else's write. */
    write(spec: Record<string, unknown>) {
      state.version += 1;
      state.lease = { metadata: { name: 'lease', resourceVersion: String(state.version) }, spec };
    },
  };
  const server = await scriptedApiServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', async () => {
      const { method = '' } = request;
      state.asked.push(method);
      if (state.down) return answer(response, 500, {});
      if (method === 'GET') return answer(response, state.lease === undefined ? 404 : 200, state.lease ?? {});
      const body = JSON.parse(Buffer.concat(chunks).toString());
      if (method === 'PUT' && state.lease === undefined) return answer(response, 404, {});
      if (method === 'PUT' && body.metadata.resourceVersion !== String(state.version)) return answer(response, 409, {});
      if (method === 'POST' && state.lease !== undefined) return answer(response, 409, {});
      state.write(body.spec);
      const written = state.lease;
      await state.beforeAnswer();
      return answer(response, 200, written);
    });
  });
  cleanups.push(server.close);
  return { ...server, state };
}

/** Time that runs a thousand times as fast when waited for; the wall clock can be set apart from it. */
function fastClock() {
  let nowMs = 0;
  const clock = {
    /** What the wall clock is ahead by. */
    aheadMs: 0,
    now: () => nowMs + clock.aheadMs,
    uptimeMs: () => nowMs,
    pass(ms: number) {
      nowMs += ms;
    },
    async sleep(ms: number, signal?: AbortSignal) {
      await systemClock.sleep(1, signal);
      nowMs += ms;
    },
  };
  return clock;
}

type Client = Parameters<typeof becomeLeader>[0]['client'];

function replica(client: Client, identity: string, hasEnded = async (_holder: string) => false) {
  const stop = new AbortController();
  cleanups.push(() => stop.abort());
  const clock = fastClock();
  const ref = { client, namespace: 'ns', name: 'lease' };
  const leading = becomeLeader({ ...ref, identity, hasEnded, clock, uptimeMs: clock.uptimeMs, logger }, stop.signal);
  return { stop, leading, clock };
}

describe('leadership', () => {
  test('the first replica leads, the second waits while the first renews', async () => {
    const { client } = await leaseServer();
    const first = replica(client, 'a');
    const lead = await first.leading;
    const second = replica(client, 'b');
    const outcome = await Promise.race([second.leading.then(() => 'led'), systemClock.sleep(300).then(() => 'waits')]);
    second.leading.catch(() => undefined);
    expect([outcome, lead.isHeld()]).toEqual(['waits', true]);
  });

  test('a replica whose lease is not renewed is succeeded', async () => {
    const { client } = await leaseServer();
    const first = replica(client, 'a');
    await first.leading;
    first.stop.abort();
    const second = replica(client, 'b');
    expect((await second.leading).isHeld()).toBe(true);
  });

  test('a holder that is known to have ended is succeeded at once', async () => {
    const { client, state } = await leaseServer();
    state.write({ holderIdentity: 'a', renewTime: 'now' });
    const second = replica(client, 'b', async (holder) => holder === 'a');
    await second.leading;
    expect(second.clock.uptimeMs()).toBe(0);
  });

  test('the same replica leads again at once after a restart', async () => {
    const { client, state } = await leaseServer();
    const first = replica(client, 'a');
    await first.leading;
    first.stop.abort();
    await replica(client, 'a').leading;
    expect(state.lease?.spec).toMatchObject({ holderIdentity: 'a', leaseTransitions: 0 });
  });

  test('a leader that can not renew may not act, and may again when it has renewed', async () => {
    const { client, state } = await leaseServer();
    const lead = await replica(client, 'a').leading;
    state.down = true;
    await vi.waitFor(() => expect(lead.isHeld()).toBe(false));
    expect(lead.signal.aborted).toBe(false);
    state.down = false;
    await vi.waitFor(() => expect(lead.isHeld()).toBe(true));
  });

  test('renewing takes one request, and does not read what nobody else may write', async () => {
    const { client, state } = await leaseServer();
    await replica(client, 'a').leading;
    const asked = state.asked.length;
    await vi.waitFor(() => expect(state.asked.length).toBeGreaterThan(asked + 5));
    expect(new Set(state.asked.slice(asked))).toEqual(new Set(['PUT']));
  });

  test('after renewals that failed, one request renews again', async () => {
    const { client, state } = await leaseServer();
    const lead = await replica(client, 'a').leading;
    state.down = true;
    await vi.waitFor(() => expect(lead.isHeld()).toBe(false));
    state.down = false;
    const asked = state.asked.length;
    await vi.waitFor(() => expect(lead.isHeld()).toBe(true));
    expect(state.asked.slice(asked)).not.toContain('GET');
  });

  test('a renewal whose answer was lost is found to be ours', async () => {
    const { client, state } = await leaseServer();
    const lead = await replica(client, 'a').leading;
    state.write({ ...state.lease?.spec });
    const { version } = state;
    await vi.waitFor(() => expect(state.version).toBeGreaterThan(version + 2));
    expect(lead.isHeld()).toBe(true);
  });

  test('no change of the wall clock makes a lease longer or shorter', async () => {
    const { client, state } = await leaseServer();
    const first = replica(client, 'a');
    const lead = await first.leading;
    const second = replica(client, 'b');
    second.leading.catch(() => undefined);
    await vi.waitFor(() => expect(state.asked.length).toBeGreaterThan(5));
    second.clock.aheadMs = 3_600_000;
    const asked = state.asked.length;
    await vi.waitFor(() => expect(state.asked.length).toBeGreaterThan(asked + 5));
    expect(state.lease?.spec).toMatchObject({ holderIdentity: 'a' });
    second.stop.abort();
    state.down = true;
    first.clock.aheadMs = -3_600_000;
    await vi.waitFor(() => expect(lead.isHeld()).toBe(false));
  });

  test('a lease counts from when it was asked for, however late the answer comes', async () => {
    const { client, state } = await leaseServer();
    const late = Promise.withResolvers<void>();
    state.beforeAnswer = () => late.promise;
    const { leading, clock } = replica(client, 'a');
    await vi.waitFor(() => expect(state.lease).toBeDefined());
    state.down = true;
    clock.pass(8_001);
    late.resolve();
    expect((await leading).isHeld()).toBe(false);
  });

  test.each([
    ['has it', { holderIdentity: 'b', renewTime: 'long ago' }],
    ['has had it, and given it up', { holderIdentity: '', renewTime: 'long ago' }],
    ['has had it, and has ended', { holderIdentity: 'gone', renewTime: 'long ago' }],
  ])('a leader that wakes up when another %s stops leading, and does not take it', async (_case, spec) => {
    const { client, state } = await leaseServer();
    const lead = await replica(client, 'a', async (holder) => holder === 'gone').leading;
    state.write(spec);
    await vi.waitFor(() => expect(lead.signal.aborted).toBe(true));
    expect([lead.isHeld(), lead.heldForMs()]).toEqual([false, 0]);
    expect(state.lease?.spec).toEqual(spec);
  });

  test('a leader whose lease was deleted stops leading', async () => {
    const { client, state } = await leaseServer();
    const lead = await replica(client, 'a').leading;
    state.lease = undefined;
    await vi.waitFor(() => expect(lead.signal.aborted).toBe(true));
  });

  test('a lease that is given up is free at once, and no longer renewed', async () => {
    const { client, state } = await leaseServer();
    const lead = await replica(client, 'a').leading;
    expect(lead.isHeld()).toBe(true);
    const releasing = lead.release();
    // What is left behind may not act from here on: another leads as soon as the lease is written.
    expect([lead.isHeld(), lead.heldForMs()]).toEqual([false, 0]);
    await releasing;
    expect([lead.isHeld(), lead.heldForMs()]).toEqual([false, 0]);
    expect(state.lease?.spec).toMatchObject({ holderIdentity: '' });
    expect((await replica(client, 'b').leading).isHeld()).toBe(true);
  });
});
