import { describe, expect, test } from 'vitest';
import { Book } from '../../../src/cells/book.ts';
import type { WirePod } from '../../../src/kube/wire-pod.ts';
import { cellRow, startedAtMs } from '../../../src/ui/cell-row.ts';
import { cellMachine } from '../../support/cell-machine.ts';
import { manualClock } from '../../support/manual-clock.ts';

const nobody = () => undefined;

/** A cell that is a second in each phase until it runs. */
async function run() {
  const clock = manualClock(0);
  const book = new Book(clock);
  const cell = book.add({ cellId: 'c', podUid: 'u', pod: 'shop/web' }, 'requested');
  for (const phase of ['launching', 'booting', 'ready', 'running'] as const) {
    await clock.pass(1_000);
    if (phase === 'booting') book.seen(cell, cellMachine('c', 'u', 'running', { cellClass: 'cheap' }));
    book.enter(cell, phase);
  }
  return { cell, book };
}

function podWith(metadata: object, containerStatuses: object[] = []): WirePod {
  return {
    metadata: { name: 'web', ...metadata },
    spec: { containers: [] },
    status: { containerStatuses },
  } as unknown as WirePod;
}
const started = (at: string, restartCount = 0) => ({ restartCount, state: { running: { startedAt: at } } });

describe('a cell on the page', () => {
  test('has its pod, machine, price and the moments of its start', async () => {
    const { cell } = await run();
    const choice = JSON.stringify({
      ...{
        attempt: 1,
        cellClass: 'cheap',
        need: {},
        instanceType: 't',
        launchType: 'l',
        zone: 'z',
        pricePerHourUsd: 1,
      },
      why: 't is the cheapest offering that fits',
    });
    const pod = podWith({ annotations: { 'nodeless.io/choice': choice } }, [started('1970-01-01T00:00:06Z')]);
    expect(cellRow(cell, (name, uid) => (name === 'shop/web' && uid === 'u' ? pod : undefined))).toEqual({
      ...{ id: 'c', phase: 'running', pod: 'shop/web', type: 't', launch: 'simulated', zone: 'z', priceUsd: 1 },
      ...{ size: '0 cpu, 0', cellClass: 'cheap', why: 't is the cheapest offering that fits' },
      at: { requested: 0, launching: 1_000, booting: 2_000, ready: 3_000, running: 4_000, started: 6_000 },
    });
  });

  test('that was found at a start has the moments that are written on its pod, and no others that anybody wrote', () => {
    const book = new Book(manualClock(9_000_000));
    const cell = book.add({ cellId: 'c', podUid: 'u', pod: 'shop/web' }, 'running');
    const phases = {
      requested: '1970-01-01T00:00:01.5Z',
      running: '1970-01-01T00:00:03Z',
      other: '1970-01-01T00:00:04Z',
    };
    const pod = podWith({ annotations: { 'nodeless.io/start': JSON.stringify({ attempt: 1, phases }) } });
    expect(cellRow(cell, () => pod).at).toEqual({ requested: 1_500, running: 3_000 });
    const broken = podWith({ annotations: { 'nodeless.io/start': '{"phases": 1', 'nodeless.io/choice': '[]' } });
    expect(cellRow(cell, () => broken)).toMatchObject({ at: { running: 9_000_000 } });
  });

  test('of a warm pool waits for no pod, and its pod has waited since its claim alone', async () => {
    const clock = manualClock(0);
    const book = new Book(clock);
    const cell = book.add({ cellId: 'c', podUid: '', pod: '', pool: { name: 'web', uid: 'p' } }, 'requested', []);
    await clock.pass(5_000);
    book.enter(cell, 'ready');
    expect(cellRow(cell, nobody)).toMatchObject({ isWarm: true, pool: 'web', pod: 'none (pool web)' });
    const claimed = { ...cell, podUid: 'u', claimedMs: 9_000, enteredMs: { ...cell.enteredMs, running: 9_200 } };
    const row = cellRow(claimed, nobody);
    expect(row.at).toEqual({ requested: 9_000, ready: 9_000, running: 9_200 });
    expect(row.isWarm).toBeUndefined();
  });

  test('is bounded, whatever the cloud and its pods call themselves', async () => {
    const { cell, book } = await run();
    book.enter(cell, 'lost', `<script>${'x'.repeat(5_000)}`);
    for (let at = 0; at < 200; at += 1) book.join(cell, { uid: `v-${at}`, pod: `shop/${'y'.repeat(250)}` });
    const row = cellRow(cell, nobody);
    expect(row.pod).toBe('shop/web and 200 more');
    expect(row.reason).toHaveLength(300);
    expect(JSON.stringify(row).length).toBeLessThan(1_500);
  });
});

describe('when the containers of a pod had started', () => {
  test.each([
    ['is when the last one had', [started('1970-01-01T00:00:06Z'), started('1970-01-01T00:00:09Z')], 9_000],
    [
      'is told of one that has ended as well',
      [{ restartCount: 0, state: { terminated: { startedAt: '1970-01-01T00:00:06Z' } } }],
      6_000,
    ],
    [
      'is not known before all have',
      [started('1970-01-01T00:00:06Z'), { restartCount: 0, state: { waiting: {} } }],
      undefined,
    ],
    ['is not known after a restart', [started('1970-01-01T00:00:06Z', 1)], undefined],
    ['is not known without containers', [], undefined],
  ])('%s', (_, statuses, ms) => expect(startedAtMs(podWith({}, statuses))).toBe(ms));
});
