import type { Logger } from 'pino';
import { createBackoff } from '../core/backoff.ts';
import type { Clock } from '../core/clock.ts';
import { isNodelessError, messageOf } from '../core/errors.ts';

/**
 * Tries until it succeeds or the signal aborts; what is not retryable is thrown. The outage is logged once.
 * `what` completes the sentence "waiting until …".
 */
export async function until<T>(
  what: string,
  attempt: () => Promise<T>,
  options: { readonly clock: Clock; readonly logger: Logger; readonly signal: AbortSignal },
): Promise<T> {
  const { clock, logger, signal } = options;
  const backoff = createBackoff(200, 10_000);
  let told = false;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      if (isNodelessError(error) && !error.retryable) throw error;
      if (!told) logger.warn({ reason: messageOf(error) }, `waiting until ${what}`);
      told = true;
      await clock.sleep(backoff.next(), signal);
    }
  }
}
