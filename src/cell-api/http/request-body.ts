import type { Readable } from 'node:stream';
import type { ByteAccount } from './byte-account.ts';
import { type DenialReason, Refusal } from './refusal.ts';

/** What may be read of one request's body. */
export interface BodyAllowance {
  readonly limitBytes: number;
  /** When the body has to be here. */
  readonly deadlineMs: number;
  /** Of a cell, or of the strangers of an address. */
  readonly account: ByteAccount;
  /** Called when the request has been answered, or its caller has gone; perhaps twice. */
  readonly onAnswered?: () => void;
}

/**
 * What becomes of a request, settled before any of its body is read. Undefined: nothing of it is read, since what the
 * caller is told does not depend on it. `cut`: it is not worth an answer, nor is its connection.
 */
export type Admission = BodyAllowance | Refusal | { readonly cut: DenialReason } | undefined;

/** What a piece of a body costs beside its bytes; a body can come a byte at a time. */
const PIECE_BYTES = 256;

function tooLarge(limitBytes: number): Refusal {
  return new Refusal(413, `the body is larger than ${limitBytes} bytes`, { denial: 'limit' });
}

function tooMany(): Refusal {
  return new Refusal(429, 'too many bodies are being read', { denial: 'limit', retryAfterSeconds: 1 });
}

/** One body on its way into memory, charged to an account until it is released. */
export class RequestBody {
  readonly #allowance: BodyAllowance;
  #bytes = 0;
  #chargedBytes = 0;
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
        if (refusal === undefined) chunks.push(alone(chunk));
        else settle(refusal);
      };
      const end = (): void => settle(Buffer.concat(chunks));
      const cut = (): void => settle(new Refusal(400, 'the request was cut off'));
      const late = (): void => settle(new Refusal(408, 'the body took too long', { denial: 'limit' }));
      const timer = setTimeout(late, deadlineMs);
      // An error is followed by `close`; without a listener it would end the process.
      payload.on('data', take).on('end', end).on('close', cut).on('error', cut);
    });
  }

  /** Gives back what was charged; called when the answer is out. */
  release(): void {
    this.#released = true;
    this.#allowance.account.release(this.#chargedBytes);
    this.#chargedBytes = 0;
  }

  /** Tells that the request is not under way any more. */
  answered(): void {
    this.#allowance.onAnswered?.();
  }

  #hold(bytes: number): Refusal | undefined {
    const { account, limitBytes } = this.#allowance;
    if (this.#bytes + bytes > limitBytes) return tooLarge(limitBytes);
    if (this.#released || !account.hold(bytes + PIECE_BYTES)) return tooMany();
    this.#bytes += bytes;
    this.#chargedBytes += bytes + PIECE_BYTES;
    return undefined;
  }
}

/** A chunk that keeps no larger buffer in memory: over HTTP/2 it is a slice of all that came with it. */
function alone(chunk: Buffer): Buffer {
  return chunk.buffer.byteLength > 2 * chunk.length ? Buffer.from(chunk) : chunk;
}
