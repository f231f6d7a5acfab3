import { vi } from 'vitest';

/** As long as `expect.poll` waits: the second that vitest has for it is too short for a machine that has much to do. */
const PATIENCE_MS = 20_000;
const { waitFor } = vi;

vi.waitFor = (check, options) => {
  const own = typeof options === 'number' ? { timeout: options } : options;
  return waitFor(check, { timeout: PATIENCE_MS, ...own });
};
