import { pino } from 'pino';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Book } from '../../../src/cells/book.ts';
import type { CellMachine, CellPhase, CellPurpose } from '../../../src/core/cell.ts';
import type { KubeClient, KubeRequest } from '../../../src/kube/client.ts';
import { EventRecorder } from '../../../src/kube/events.ts';
import type { WirePod } from '../../../src/kube/wire-pod.ts';
import { isExpired, watchExpiry } from '../../../src/pods/expiry.ts';
import { NodePods } from '../../../src/pods/node-pods.ts';
import { PodWriter } from '../../../src/pods/status.ts';
import { cellClass } from '../../support/cell-class.ts';
import { eagerClock } from '../../support/eager-clock.ts';
import { machineOf, offering } from './world.ts';

const DAY_MS = 86_400_000;
const stops: AbortController[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
});

/** A machine that is as old as the clock here. */
function bornWithClock(request: Parameters<typeof machineOf>[0]): CellMachine {
  return { ...machineOf(request), createdAtMs: 0 };
}

/** An expiry watch over one cell of one pod, on a clock that runs as fast as it is waited for. */
function rig(answers: readonly number[], more: { mayAct?: boolean; pod?: Partial<WirePod>; others?: number } = {}) {
  const pods = new NodePods();
  const metadata = { name: 'p', namespace: 'ns', uid: 'u', resourceVersion: '1' };
  const clock = eagerClock();
  const evictions: (KubeRequest & { atMs: number })[] = [];
  const events: string[] = [];
  const client = {
    async request(request: KubeRequest) {
      const answered = (status: number) => ({ status, contentType: 'application/json', body: Buffer.from('{}') });
      if (request.path.endsWith('/events')) {
        events.push((request.body as { reason: string }).reason);
        return answered(201);
      }
      evictions.push({ ...request, atMs: clock.now() });
      const status = answers[evictions.length - 1] ?? 201;
      const name = request.path.split('/')[6] ?? '';
      const uid = name.replace('p', 'u');
      if (status === 201) pods.remove({ metadata: { ...metadata, name, uid }, spec: { containers: [] } });
      return answered(status);
    },
  } as unknown as KubeClient;
  const stop = new AbortController();
  stops.push(stop);
  const logger = pino({ level: 'silent' });
  const book = new Book(clock);
  const cell = book.add({ cellId: 'cell-x', podUid: 'u', pod: 'ns/p' }, 'running');
  const tags = { clusterUid: 'c', virtualNode: 'n', cellId: 'cell-x', pod: 'ns/p', podUid: 'u' };
  const order = { offering: offering('small', 1), cellClass: cellClass() };
  book.seen(cell, bornWithClock({ tags, ...order, bootstrap: {} as never }));
  book.handOver(cell, 'u');
  pods.observe({ metadata, spec: { containers: [] }, ...more.pod });
  const recorder = new EventRecorder({ client, component: 'nodeless', host: 'n', clock, logger }, stop.signal);
  const { mayAct = true } = more;
  for (let at = 0; at < (more.others ?? 0); at += 1) {
    const identity = { cellId: `cell-${at}`, podUid: `u${at}`, pod: `ns/p${at}` };
    const other = book.add(identity, 'running');
    book.seen(other, bornWithClock({ tags: { ...tags, ...identity }, ...order, bootstrap: {} as never }));
    book.handOver(other, identity.podUid);
    pods.observe({ metadata: { ...metadata, name: `p${at}`, uid: identity.podUid }, spec: { containers: [] } });
  }
  const limit = { ms: DAY_MS };
  const options = { book, pods, writer: new PodWriter(client, clock), events: recorder, clock, logger };
  void watchExpiry({ ...options, limitMsOf: () => limit.ms, mayAct: () => mayAct }, stop.signal);
  return { evictions, events, clock, cell, limit };
}

describe('a cell that is older than its class lets it become', () => {
  test('has its pod evicted, by uid, once it is that old and not before', async () => {
    const { evictions, events, cell } = rig([201]);
    await vi.waitFor(() => expect(evictions.length).toBeGreaterThan(0));
    expect(evictions[0]).toMatchObject({
      method: 'POST',
      path: '/api/v1/namespaces/ns/pods/p/eviction',
      body: { kind: 'Eviction', deleteOptions: { preconditions: { uid: 'u' } } },
    });
    expect(evictions[0]?.atMs).toBeGreaterThanOrEqual(DAY_MS);
    expect(evictions[0]?.atMs).toBeLessThan(DAY_MS + 10_000);
    await vi.waitFor(() => expect(events).toContain('CellExpired'));
    expect(cell.expired).toBe(true);
  });

  test('whose disruption budget forbids it is asked for again after a pause, and tells so once', async () => {
    const { evictions, events } = rig([429, 429, 201]);
    await vi.waitFor(() => expect(events).toHaveLength(2));
    expect(evictions).toHaveLength(3);
    const [first, second] = evictions;
    expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(60_000);
  });

  test('is replaced with no more than a few others of its age at once', async () => {
    const { evictions } = rig([], { others: 12 });
    await vi.waitFor(() => expect(evictions).toHaveLength(13));
    const atOnce = [...Map.groupBy(evictions, ({ atMs }) => atMs).values()].map(({ length }) => length);
    expect(atOnce).toEqual([5, 5, 3]);
  });

  test('takes in pods again when it may become older', async () => {
    const { cell, limit } = rig([429]);
    await vi.waitFor(() => expect(cell.expired).toBe(true));
    limit.ms = 1_000 * DAY_MS;
    await vi.waitFor(() => expect(cell.expired).toBe(false));
  });

  test.each([
    ['that is being deleted', { pod: { metadata: { name: 'p', uid: 'u', deletionTimestamp: 'now' } } }],
    ['that has finished', { pod: { status: { phase: 'Succeeded' } } }],
    ['while another process may lead', { mayAct: false }],
  ])(
    'keeps a pod %s',
    async (_, more) => {
      const { evictions, clock } = rig([], more as never);
      await vi.waitFor(() => expect(clock.now()).toBeGreaterThan(2 * DAY_MS));
      expect(evictions).toEqual([]);
    },
    20_000,
  );

  test.each<[CellPhase, CellPurpose | undefined, number | undefined, boolean]>([
    ['running', undefined, DAY_MS, true],
    ['running', undefined, DAY_MS + 1, false],
    ['running', undefined, undefined, false],
    ['running', 'node-cell', DAY_MS, false],
    ['booting', undefined, DAY_MS, false],
    ['lost', undefined, DAY_MS, false],
  ])('%s, of purpose %s and with a limit of %s: expired is %s', (phase, purpose, limitMs, expired) => {
    const cell = { phase, ...(purpose === undefined ? {} : { purpose }), machine: { createdAtMs: 0 } };
    expect(isExpired(cell as never, limitMs, DAY_MS)).toBe(expired);
  });
});
