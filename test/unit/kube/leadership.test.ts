import { pino } from 'pino';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Clock, systemClock } from '../../../src/core/clock.ts';
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
    lease: undefined as Record<string, unknown> | undefined,
    version: 0,
    down: false,
    /** Methods of the requests. */
    asked: [] as string[],
  };
  const server = await scriptedApiServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      state.asked.push(request.method ?? '');
      if (state.down) return answer(response, 500, {});
      if (request.method === 'GET') return answer(response, state.lease === undefined ? 404 : 200, state.lease ?? {});
      const body = JSON.parse(Buffer.concat(chunks).toString());
      if (request.method === 'PUT' && body.metadata.resourceVersion !== String(state.version))
        return answer(response, 409, {});
      if (request.method === 'POST' && state.lease !== undefined) return answer(response, 409, {});
      state.version += 1;
      state.lease = { ...body, metadata: { ...body.metadata, resourceVersion: String(state.version) } };
      return answer(response, 200, state.lease);
    });
  });
  cleanups.push(server.close);
  return { ...server, state };
}

/** Time that runs a thousand times as fast when waited for. */
function fastClock(): Clock {
  let nowMs = 0;
  return {
    now: () => nowMs,
    async sleep(ms, signal) {
      await systemClock.sleep(1, signal);
      nowMs += ms;
    },
  };
}

function replica(client: Parameters<typeof becomeLeader>[0]['client'], identity: string) {
  const stop = new AbortController();
  cleanups.push(() => stop.abort());
  const leading = becomeLeader(
    { client, namespace: 'ns', name: 'lease', identity, hasEnded: async () => false, clock: fastClock(), logger },
    stop.signal,
  );
  return { stop, leading };
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

  test('a leader that wakes up after its lease does not take it from who has it now', async () => {
    const { client, state } = await leaseServer();
    const lead = await replica(client, 'a').leading;
    const spec = { holderIdentity: 'b', leaseDurationSeconds: 12, renewTime: 'long ago' };
    state.version += 1;
    state.lease = { ...state.lease, metadata: { name: 'lease', resourceVersion: String(state.version) }, spec };
    await vi.waitFor(() => expect(lead.signal.aborted).toBe(true));
    expect(state.lease?.spec).toEqual(spec);
  });

  test('a leader that was succeeded stops leading', async () => {
    const { client, state } = await leaseServer();
    const lead = await replica(client, 'a').leading;
    const spec = { holderIdentity: 'b', leaseDurationSeconds: 15, renewTime: 'later' };
    state.version += 1;
    state.lease = { ...state.lease, metadata: { name: 'lease', resourceVersion: String(state.version) }, spec };
    await vi.waitFor(() => expect(lead.signal.aborted).toBe(true));
    expect(lead.isHeld()).toBe(false);
  });

  test('a lease that is given up is free at once, and no longer renewed', async () => {
    const { client, state } = await leaseServer();
    const lead = await replica(client, 'a').leading;
    await lead.release();
    expect(state.lease?.spec).toMatchObject({ holderIdentity: '' });
    expect((await replica(client, 'b').leading).isHeld()).toBe(true);
  });
});
