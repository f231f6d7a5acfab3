import type { ServerResponse } from 'node:http';
import { constants } from 'node:http2';
import type { ByteAccount } from '../http/byte-account.ts';
import type { RawResponse } from '../http/closed.ts';

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

export interface WatchStreamOptions {
  /** Milliseconds since the epoch. */
  readonly deadlineMs: number;
  /** Charged with what the client has not read yet. */
  readonly unread: ByteAccount;
  readonly onEnd: () => void;
  readonly onSent: (bytes: number) => void;
  /** Called when the client has read too slowly. */
  readonly onSlow: () => void;
}

/** What the hub keeps of a watch. */
export class WatchStream implements OpenWatch {
  readonly #response: RawResponse;
  readonly #options: WatchStreamOptions;
  #pendingBytes = 0;
  #open = true;
  /** Milliseconds since the epoch. */
  nextBookmarkMs = Number.POSITIVE_INFINITY;
  readonly deadlineMs: number;

  constructor(response: RawResponse, options: WatchStreamOptions) {
    this.#response = response;
    this.#options = options;
    this.deadlineMs = options.deadlineMs;
    response.on('close', () => {
      this.#read(this.#pendingBytes);
      this.#ended();
    });
    response.on('error', () => this.#ended());
  }

  get open(): boolean {
    return this.#open;
  }

  send(bytes: Buffer): void {
    if (!this.#open) return;
    if (this.#pendingBytes + bytes.length > MAX_PENDING_BYTES || !this.#options.unread.hold(bytes.length)) {
      this.#options.onSlow();
      this.destroy();
      return;
    }
    this.#pendingBytes += bytes.length;
    this.#options.onSent(bytes.length);
    // Http2ServerResponse and ServerResponse differ in their overloads; both take (chunk, encoding, callback).
    (this.#response as ServerResponse).write(bytes, 'utf8', () => this.#read(bytes.length));
  }

  /** What was given back at the close is not given back again by a callback that comes later. */
  #read(bytes: number): void {
    const read = Math.min(bytes, this.#pendingBytes);
    this.#pendingBytes -= read;
    this.#options.unread.release(read);
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
    this.#options.onEnd();
  }
}
