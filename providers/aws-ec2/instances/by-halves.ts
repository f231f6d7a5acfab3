import { isNodelessError, type NodelessError } from '../../../src/core/errors.ts';

/** So many calls settle a few that are refused among 500; where more are, what is left is asked for another time. */
const MAX_CALLS = 64;

/**
 * Does with one call what is asked of many, where one of them may fail the call for all: refused for good, it is made for
 * either half.
 * @returns why it failed, by those that it failed for
 */
export async function byHalves(
  ids: readonly string[],
  run: (ids: readonly string[]) => Promise<void>,
): Promise<ReadonlyMap<string, NodelessError>> {
  const failed = new Map<string, NodelessError>();
  // In the order of their size: the largest settle the most.
  const parts: (readonly string[])[] = [ids];
  for (const part of parts) {
    try {
      await run(part);
    } catch (error) {
      if (!isNodelessError(error)) throw error;
      const middle = Math.ceil(part.length / 2);
      const isSplit = !error.retryable && part.length > 1 && parts.length + 2 <= MAX_CALLS;
      if (isSplit) parts.push(part.slice(0, middle), part.slice(middle));
      else for (const id of part) failed.set(id, error);
    }
  }
  return failed;
}
