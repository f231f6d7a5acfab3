import { afterEach, expect, test, vi } from 'vitest';
import { NodelessError } from '../../../src/core/errors.ts';
import type { KubeObject } from '../../../src/kube/objects.ts';
import { world } from '../pods/world.ts';

const CLAIMS = 20;
const WAIT = { timeout: 15_000 };

const stops: AbortController[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
});

/** A pool with so many cells that wait. */
async function withReady(count: number) {
  const one = world();
  stops.push(one.stop);
  one.warmPools.apply('ADDED', {
    apiVersion: 'nodeless.io/v1alpha1',
    kind: 'WarmPool',
    metadata: { name: 'web', uid: 'pool-web', resourceVersion: '11' },
    spec: { shape: { cpu: '500m', memory: '512Mi' }, min: count, max: 2 * count },
  } as KubeObject);
  one.start();
  const phases = (phase: string) => [...one.book.cells()].filter((cell) => cell.phase === phase && cell.podUid === '');
  await vi.waitFor(() => expect(phases('booting')).toHaveLength(count), WAIT);
  for (const { cellId } of phases('booting')) one.report(cellId);
  expect(phases('ready')).toHaveLength(count);
  return one;
}

test('a cloud that is slow to write whose machines are holds up no other pod', async () => {
  const one = await withReady(CLAIMS);
  const written = Promise.withResolvers<void>();
  const write = one.claim.getMockImplementation();
  one.claim.mockImplementation(async (cellId, by) => {
    await written.promise;
    return (await write?.(cellId, by)) as never;
  });
  for (let pod = 0; pod < CLAIMS; pod += 1) one.pods.create(`p${pod}`);
  await vi.waitFor(() => expect(one.claim.mock.calls.length).toBeGreaterThan(0), WAIT);
  one.pods.create('gone', { metadata: { name: 'gone', deletionTimestamp: '2026-01-01T00:00:00Z' } as never });
  await vi.waitFor(() => expect(one.pods.get('gone')).toBeUndefined(), WAIT);
  written.resolve();
  const owned = () => [...one.book.cells()].filter(({ phase, podUid }) => phase === 'running' && podUid !== '');
  await vi.waitFor(() => expect(owned()).toHaveLength(CLAIMS), WAIT);
  // However often each pod was looked at meanwhile.
  expect(one.claim).toHaveBeenCalledTimes(CLAIMS);
});

test('a claim that could not be written for a moment is written again', async () => {
  const one = await withReady(1);
  const [cell] = [...one.book.cells()];
  one.claim.mockRejectedValueOnce(new NodelessError({ code: 'Throttled', retryable: true, message: 'slow down' }));
  one.pods.create('p');
  await vi.waitFor(() => expect(one.book.ofPod('uid-p')?.phase).toBe('running'), WAIT);
  expect(one.book.ofPod('uid-p')).toBe(cell);
  expect(one.claim).toHaveBeenCalledTimes(2);
});
