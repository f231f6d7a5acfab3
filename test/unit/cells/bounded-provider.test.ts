import { describe, expect, test, vi } from 'vitest';
import type { CellProvider } from '../../../providers/contract.ts';
import { boundedProvider } from '../../../src/cells/bounded-provider.ts';
import { isNodelessError, NodelessError } from '../../../src/core/errors.ts';

const hung = () => new Promise<never>(() => undefined);

describe('a provider that does not answer', () => {
  test('ends as an ambiguous outcome at the deadline, though it does not heed its signal', async () => {
    const abort = vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 10);
      return controller.signal;
    });
    const provider = boundedProvider({ name: 'hung', list: hung } as unknown as CellProvider);
    const outcome = await provider.list(new AbortController().signal).catch((error) => error);
    expect(isNodelessError(outcome, 'AmbiguousOutcome') && outcome.retryable).toBe(true);
    abort.mockRestore();
  });

  test('is left at once when the caller gives up', async () => {
    const provider = boundedProvider({ name: 'hung', terminate: hung } as unknown as CellProvider);
    const stop = new AbortController();
    const waiting = provider.terminate('cell-a', stop.signal);
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });
});

test('each call is told of with its outcome and how long it took', async () => {
  const told = vi.fn();
  const provider = boundedProvider(
    {
      name: 'some',
      list: async () => [],
      terminate: async () => {
        throw new NodelessError({ code: 'Throttled', message: 'slow down' });
      },
      health: hung,
    } as unknown as CellProvider,
    told,
  );
  const stop = new AbortController();
  await provider.list(stop.signal);
  await expect(provider.terminate('cell-a', stop.signal)).rejects.toThrow('slow down');
  const asking = provider.health(stop.signal);
  stop.abort(new Error('enough'));
  await expect(asking).rejects.toThrow('enough');
  expect(told.mock.calls.map(([operation, outcome]) => `${operation} ${outcome}`)).toEqual([
    'list ok',
    'terminate Throttled',
    'health Aborted',
  ]);
  for (const [, , seconds] of told.mock.calls) expect(seconds).toBeGreaterThanOrEqual(0);
});
