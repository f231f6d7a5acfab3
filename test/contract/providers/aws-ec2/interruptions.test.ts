import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { CellProvider, Interruption } from '../../../../providers/contract.ts';
import { type AwsBed, bedCredentials, startAwsBed } from '../../../support/aws/bed.ts';
import { QUEUE_URL } from '../../../support/aws/interruption-queue.ts';
import { eventually } from '../../../support/wait.ts';
import { launchOf, machinesIn, providerOver } from './cells.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const soon = () => AbortSignal.timeout(90_000);
const WITHIN = { timeout: 60_000 };
const SPOT = 'EC2 Spot Instance Interruption Warning';
const STATE = 'EC2 Instance State-change Notification';

let bed: AwsBed;
let provider: CellProvider;
let ids: Readonly<Record<string, string>>;

beforeAll(async () => {
  bedCredentials();
  bed = await startAwsBed();
  provider = providerOver(bed, { interruptionQueue: QUEUE_URL });
  await provider.start(soon());
  await Promise.all(['a', 'b'].map((cellId) => provider.launch(launchOf(cellId), soon())));
  const named = async () =>
    Object.fromEntries((await machinesIn(bed)).map(({ id, tags }) => [tags['nodeless.io/cell'] ?? '', id]));
  const areTagged = async () =>
    Object.keys(await named())
      .sort()
      .join() === 'a,b';
  await eventually('both are tagged', areTagged, WITHIN.timeout);
  ids = await named();
});

afterAll(async () => {
  await provider.stop();
  await bed.close();
});

/** Listens until the test ends; answers as it is told to. */
function listen(isDone: (one: Interruption) => boolean, by = provider) {
  const told: Interruption[] = [];
  const stop = new AbortController();
  by.interruptions?.((one) => {
    told.push(one);
    return isDone(one);
  }, stop.signal);
  return { told, end: () => stop.abort() };
}

const sendTo = (type: string, cellId: string, more: object = {}, at?: Date) =>
  bed.queue.send(type, { 'instance-id': ids[cellId] ?? cellId, ...more }, at);

describe('what AWS says is about to befall machines', () => {
  test('is told by their cells, with the time that is left, and again until somebody is done with it', async () => {
    const at = new Date(1_700_000_000_000);
    let tries = 0;
    const { told, end } = listen(() => ++tries > 1);
    sendTo(SPOT, 'a', { 'instance-action': 'terminate' }, at);
    await expect.poll(() => bed.queue.size, WITHIN).toBe(0);
    const reason = 'EC2 takes the spot machine back';
    const once = { cellId: 'a', kind: 'ends', endsAtMs: at.getTime() + 120_000, reason };
    expect(told).toEqual([once, once]);
    end();
  });

  test('is for no one where it is about machines of others, about none, or nothing that is known', async () => {
    const { told, end } = listen(() => false);
    sendTo(SPOT, 'i-0123456789abcdef0');
    bed.queue.send(SPOT, {});
    bed.queue.send('EC2 Something Else', { 'instance-id': ids.a });
    await expect.poll(() => bed.queue.size, WITHIN).toBe(0);
    expect(told).toEqual([]);
    end();
  });

  test('comes to all who listen, by one reader, and to nobody after that', async () => {
    const [first, second] = [listen(() => false), listen(({ kind }) => kind === 'changed')];
    sendTo(STATE, 'b', { state: 'stopping' });
    await expect.poll(() => bed.queue.size, WITHIN).toBe(0);
    expect([first.told.length, second.told.length]).toEqual([1, 1]);
    first.end();
    second.end();
    sendTo(STATE, 'b');
    const next = listen(() => true);
    await expect.poll(() => next.told.length, WITHIN).toBe(1);
    expect(second.told).toHaveLength(1);
    next.end();
  });

  test('is done with where the machine has ended', async () => {
    await bed.ask({ Action: 'TerminateInstances', 'InstanceId.1': ids.b ?? '' });
    const { told, end } = listen(() => false);
    sendTo(SPOT, 'b');
    await expect.poll(() => bed.queue.size, WITHIN).toBe(0);
    expect(told).toEqual([]);
    end();
  });

  test('can be read again when the queue can, and is asked for more seldom meanwhile', async () => {
    const refuse = { status: 400, code: 'com.amazonaws.sqs#QueueDoesNotExist' };
    bed.set({ actions: { 'sqs:ReceiveMessage': { refuse, times: 2 } } });
    bed.forget();
    const { told, end } = listen(() => true);
    sendTo(STATE, 'a');
    await expect.poll(() => told.length, WITHIN).toBe(1);
    const asked = bed.requests.filter(({ action }) => action === 'sqs:ReceiveMessage');
    expect(asked.length).toBeLessThanOrEqual(4);
    end();
  });
});
