import { describe, expect, test, vi } from 'vitest';
import type { CellProvider } from '../../../providers/contract.ts';
import { boundedProvider } from '../../../src/cells/bounded-provider.ts';
import { isNodelessError } from '../../../src/core/errors.ts';

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
