import { createHash } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';

const TTL_MS = 30 * 60_000;
const MAX_TOKENS = 10_000;

function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}

/** Which cell an attested token is, for the minutes in which its kubelet fetches the certificate. Keeps digests only. */
export class TokenCells {
  readonly #byDigest = new Map<string, { readonly cellId: string; readonly untilMs: number }>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  remember(token: string, cellId: string): void {
    const key = digest(token);
    this.#byDigest.delete(key);
    this.#byDigest.set(key, { cellId, untilMs: this.#clock.now() + TTL_MS });
    for (const [old, { untilMs }] of this.#byDigest) {
      if (untilMs > this.#clock.now() && this.#byDigest.size <= MAX_TOKENS) break;
      this.#byDigest.delete(old);
    }
  }

  cellOf(token: string): string | undefined {
    const known = this.#byDigest.get(digest(token));
    return known !== undefined && known.untilMs > this.#clock.now() ? known.cellId : undefined;
  }
}
