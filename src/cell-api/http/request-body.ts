import type { Readable } from 'node:stream';
import { Refusal } from './refusal.ts';

/** Bytes of request bodies that are in memory for one account, a cell or all strangers together. */
export interface BodyAccount {
  heldBytes: number;
  readonly maxBytes: number;
}

/** What may be read of one request's body. */
export interface BodyAllowance {
  readonly limitBytes: number;
  /** When the body has to be here; without it a body may take as long as its connection lives. */
  readonly deadlineMs?: number;
  readonly account: BodyAccount;
}

export function createBodyAccount(maxBytes: number): BodyAccount {
  return { heldBytes: 0, maxBytes };
}

function tooLarge(limitBytes: number): Refusal {
  return new Refusal(413, `the body is larger than ${limitBytes} bytes`, { denial: 'limit' });
}

function tooMany(): Refusal {
  return new Refusal(429, 'too many bodies are being read', { denial: 'limit', retryAfterSeconds: 1 });
}

/** One body on its way into memory, charged to an account until it is released. */
export class RequestBody {
  readonly #allowance: BodyAllowance;
  #heldBytes = 0;
  #released = false;

  constructor(allowance: BodyAllowance) {
    this.#allowance = allowance;
  }

  /**
   * Reads to the end, or to the limit: then the rest is left unread and the Refusal is returned, for whoever answers
   * to count it. `declaredBytes` is the Content-Length, which spares the reading of what is too large.
   */
  read(payload: Readable, declaredBytes: number | undefined): Promise<Buffer | Refusal> {
    const { limitBytes, deadlineMs } = this.#allowance;
    if ((declaredBytes ?? 0) > limitBytes) return Promise.resolve(tooLarge(limitBytes));
    return new Promise((resolve) => {
      const chunks: Buffer[] = [];
      const settle = (result: Buffer | Refusal): void => {
        clearTimeout(timer);
        payload.off('data', take).off('end', end).off('close', cut).pause();
        resolve(result);
      };
      const take = (chunk: Buffer): void => {
        const refusal = this.#hold(chunk.length);
        if (refusal === undefined) chunks.push(chunk);
        else settle(refusal);
      };
      const end = (): void => settle(Buffer.concat(chunks));
      const cut = (): void => settle(new Refusal(400, 'the request was cut off'));
      const late = (): void => settle(new Refusal(408, 'the body took too long', { denial: 'limit' }));
      const timer = deadlineMs === undefined ? undefined : setTimeout(late, deadlineMs);
      // An error is followed by `close`; without a listener it would end the process.
      payload.on('data', take).on('end', end).on('close', cut).on('error', cut);
    });
  }

  /** Gives back what was charged; called when the answer is out. */
  release(): void {
    this.#released = true;
    this.#allowance.account.heldBytes -= this.#heldBytes;
    this.#heldBytes = 0;
  }

  #hold(bytes: number): Refusal | undefined {
    const { account, limitBytes } = this.#allowance;
    if (this.#heldBytes + bytes > limitBytes) return tooLarge(limitBytes);
    if (this.#released || account.heldBytes + bytes > account.maxBytes) return tooMany();
    account.heldBytes += bytes;
    this.#heldBytes += bytes;
    return undefined;
  }
}
