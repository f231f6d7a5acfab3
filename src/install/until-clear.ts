import type { Clock } from '../core/clock.ts';
import { isNodelessError, messageOf, NodelessError } from '../core/errors.ts';

const LOOK_EVERY_MS = 500;

/** How long something is waited for. */
export interface Wait {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** Told of what is in the way, whenever that changes. */
  readonly tell: (what: string) => void;
}

/** What an error says is in the way, where the same call may succeed later. @throws any other */
function passing(error: unknown): string {
  if (isNodelessError(error) && error.retryable) return messageOf(error);
  throw error;
}

/**
 * Looks again and again until nothing is in the way; `inTheWay` may act, and says what it waits for. An API server that does not
 * answer now is in the way as well.
 * @throws NodelessError NotReady saying what is in the way
 */
export async function untilClear(
  { clock, signal, timeoutMs, tell }: Wait,
  inTheWay: () => Promise<string | undefined>,
): Promise<void> {
  const deadlineMs = clock.now() + timeoutMs;
  let told = '';
  for (;;) {
    const what = await inTheWay().catch(passing);
    if (what === undefined) return;
    if (what !== told) tell(what);
    told = what;
    if (clock.now() > deadlineMs) {
      const message = `after ${timeoutMs / 1_000} s ${what}; what is done stays so, and a second run goes on from there`;
      throw new NodelessError({ code: 'NotReady', message });
    }
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}

/** Does what may be done twice, as often as it takes an API server that does not answer now. @throws NodelessError NotReady */
export async function performed<T>(wait: Wait, step: () => Promise<T>): Promise<T> {
  const results: T[] = [];
  await untilClear(wait, async () => {
    results.push(await step());
    return undefined;
  });
  return results[0] as T;
}
