import type { ServerResponse } from 'node:http';
import { constants, type Http2ServerResponse } from 'node:http2';

/** One watch that a client has open. */
export interface OpenWatch {
  /** Queues bytes; a client that reads too slowly loses the watch instead, and resumes. */
  send(bytes: Buffer): void;
  /** Has the next tick send a bookmark, so that a client's version moves past what it has just been sent. */
  bookmarkSoon(): void;
  end(): void;
  readonly open: boolean;
}

/** Bytes that may wait for one client; a pod is at most about 1.5 MB. */
const MAX_PENDING_BYTES = 8 * 1024 * 1024;

const END_GRACE_MS = 5_000;

export type RawResponse = ServerResponse | Http2ServerResponse;

/** What the hub keeps of a watch. */
export class WatchStream implements OpenWatch {
  readonly #response: RawResponse;
  readonly #onEnd: () => void;
  #pendingBytes = 0;
  #open = true;
  /** Milliseconds since the epoch. */
  nextBookmarkMs = Number.POSITIVE_INFINITY;
  readonly deadlineMs: number;

  constructor(response: RawResponse, deadlineMs: number, onEnd: () => void) {
    this.#response = response;
    this.deadlineMs = deadlineMs;
    this.#onEnd = onEnd;
    response.on('close', () => this.#ended());
    response.on('error', () => this.#ended());
  }

  get open(): boolean {
    return this.#open;
  }

  send(bytes: Buffer): void {
    if (!this.#open) return;
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes > MAX_PENDING_BYTES) {
      this.destroy();
      return;
    }
    // Http2ServerResponse and ServerResponse differ in their overloads; both take (chunk, encoding, callback).
    (this.#response as ServerResponse).write(bytes, 'utf8', () => {
      this.#pendingBytes -= bytes.length;
    });
  }

  bookmarkSoon(): void {
    if (this.nextBookmarkMs !== Number.POSITIVE_INFINITY) this.nextBookmarkMs = 0;
  }

  /** Ends after what was sent; a client that does not read that is cut after a grace. */
  end(): void {
    if (!this.#open) return;
    this.#ended();
    this.#response.end();
    if (this.#pendingBytes === 0) return;
    const cut = setTimeout(() => this.#destroyResponse(), END_GRACE_MS);
    cut.unref();
    this.#response.on('close', () => clearTimeout(cut));
  }

  destroy(): void {
    this.#ended();
    this.#destroyResponse();
  }

  #destroyResponse(): void {
    if ('stream' in this.#response) this.#response.stream?.close?.(constants.NGHTTP2_CANCEL);
    else (this.#response as ServerResponse).destroy();
  }

  #ended(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#onEnd();
  }
}
