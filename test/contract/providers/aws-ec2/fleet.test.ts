import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { adopt } from '../../../../src/cells/adopt.ts';
import { Book } from '../../../../src/cells/book.ts';
import { boundedProvider } from '../../../../src/cells/bounded-provider.ts';
import { Census } from '../../../../src/cells/census.ts';
import { Fleet } from '../../../../src/cells/fleet.ts';
import { systemClock as clock } from '../../../../src/core/clock.ts';
import { type AwsBed, bedCredentials, startAwsBed } from '../../../support/aws/bed.ts';
import { cellClass } from '../../../support/cell-class.ts';
import { eventually } from '../../../support/wait.ts';
import { launchOf, machinesIn, OWNER, offering, providerOver } from './cells.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });
const logger = pino({ level: 'silent' });
const CELLS = 60;
const podOf = (cellId: string) => ({ podUid: `uid-${cellId}`, pod: `default/${cellId}` });

let bed: AwsBed;
const ending: (() => Promise<void>)[] = [];

/** What a leader has between its pods and the provider. */
async function leader() {
  const stop = new AbortController();
  const provider = boundedProvider(providerOver(bed));
  await provider.start(stop.signal);
  const book = new Book(clock);
  const { bootstrap } = launchOf('any');
  const mayAct = () => true;
  const { clusterUid } = OWNER;
  const fleet = new Fleet({ provider, book, clusterUid, bootstrap, clock, logger, concurrency: 16, mayAct });
  fleet.start(stop.signal);
  const gone: string[] = [];
  const census = new Census({
    ...{ provider, book, fleet, clock, logger, mayAct },
    intervalMs: 1_000,
    orphanAfterMs: 0,
    withReason: async () => new Set<string>(),
    onGone: ({ cellId }, reason) => gone.push(`${cellId}: ${reason}`),
  });
  const end = async () => {
    stop.abort();
    await provider.stop();
  };
  ending.push(end);
  const launch = (cellId: string) =>
    fleet.launch(book.get(cellId) ?? book.add({ cellId, ...podOf(cellId) }, 'requested'), {
      offering: offering(),
      cellClass: cellClass(),
    });
  return { provider, book, fleet, census, gone, launch, end, signal: stop.signal };
}

const calls = (action: string) => bed.requests.filter((request) => request.action === action);

beforeAll(async () => {
  bedCredentials();
  bed = await startAwsBed();
});

afterAll(async () => {
  for (const end of ending) await end();
  await bed.close();
});

describe('a leader over EC2', () => {
  test('launches a burst with one request, ends it with as few, and leaves nothing', async () => {
    const { launch, fleet, book, provider, signal } = await leader();
    const cellIds = Array.from({ length: CELLS }, (_, index) => `cell-${index}`);
    const machines = await Promise.all(cellIds.map(launch));
    expect(new Set(machines.map(({ tags }) => tags.cellId)).size).toBe(CELLS);
    expect(calls('ec2:CreateFleet')).toHaveLength(1);
    bed.forget();
    await Promise.all([...book.cells()].map((cell) => fleet.end(cell, 'over')));
    expect(book.size).toBe(0);
    expect(calls('ec2:TerminateInstances').length).toBeLessThanOrEqual(3);
    expect(await machinesIn(bed)).toEqual([]);
    expect((await provider.list(signal)).filter(({ state }) => state !== 'ended')).toEqual([]);
  });

  test('that dies in a launch is followed by one that keeps each pod its machine, and ends what is nobody’s', async () => {
    bed.set({ actions: { 'ec2:CreateFleet': { delayMs: 1_500 } } });
    const first = await leader();
    const launches = ['kept', 'unneeded'].map((cellId) => first.launch(cellId).catch(() => undefined));
    await eventually('EC2 is asked', async () => calls('ec2:CreateFleet').length > 0);
    await first.end();
    await Promise.all(launches);
    bed.set({});
    await eventually('the machines are there', async () => (await machinesIn(bed)).length === 2);
    const next = await leader();
    const binding = { ...podOf('kept'), uid: podOf('kept').podUid, cellId: 'kept', handedOver: false, finished: false };
    const claim = { ...binding, mayNeedNodeCell: false, injected: false, seeksCompany: false };
    adopt(next.book, await next.provider.list(next.signal), [claim]);
    await next.launch('kept');
    await eventually('one machine is left, the cell that a pod names', async () => {
      await next.census.tick(next.signal);
      const cells = (await machinesIn(bed)).map(({ tags }) => tags['nodeless.io/cell']);
      return cells.length === 1 && cells[0] === 'kept';
    });
    expect(next.gone).toEqual([]);
  });
});
