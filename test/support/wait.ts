import { setTimeout as delay } from 'node:timers/promises';

/** Waits until `check` gives something other than undefined or false; the error at the deadline says what was last seen. */
export async function eventually<T>(
  what: string,
  check: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = 60_000,
): Promise<T> {
  const deadlineMs = Date.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await check();
      if (value !== undefined && value !== false) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadlineMs) {
      const reason = last instanceof Error ? last.message : JSON.stringify(last);
      throw new Error(`not within ${timeoutMs / 1000} s: ${what} (last: ${reason})`);
    }
    await delay(100);
  }
}
