import type { ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { Feed } from './feed.ts';

export interface StreamLimits {
  /** Streams at the same time; 32 unless given. */
  readonly streams?: number;
  /** Between two signs of life on a stream; 15 s unless given. */
  readonly beatMs?: number;
  /** How long a viewer may leave what was sent unread; 30 s unless given. */
  readonly stallMs?: number;
  /** How long a stream may go on: then it is asked anew who looks, and whether they may. 15 min unless given. */
  readonly lifeMs?: number;
}

interface Stream {
  readonly response: ServerResponse;
  readonly openedMs: number;
  /** Since when something waits to be read; undefined while nothing does. */
  blockedMs: number | undefined;
  /** It has missed changes. */
  isBehind: boolean;
}

const BEAT = Buffer.from(': still here\n\n');
/** What may wait to be read on a stream; beyond it come no more changes, but the whole state once all of it is read. */
const MAX_UNREAD_BYTES = 1024 * 1024;
/** Browsers open a stream again after so long. */
const FIRST = Buffer.from('retry: 2000\n\n');

export interface StreamOptions {
  readonly feed: Feed;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits?: StreamLimits | undefined;
}

/** The open event streams of a feed: bounded in number, in life, and in what waits for each to be read. */
export class EventStreams {
  readonly #feed: Feed;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #limits: Required<StreamLimits>;
  readonly #streams = new Set<Stream>();
  #ended = false;
  #beating: AbortController | undefined;

  constructor({ feed, clock, logger, limits = {} }: StreamOptions) {
    this.#feed = feed;
    this.#clock = clock;
    this.#logger = logger;
    this.#limits = { streams: 32, beatMs: 15_000, stallMs: 30_000, lifeMs: 900_000, ...limits };
  }

  get open(): number {
    return this.#streams.size;
  }

  /** False where there is no place for another, or all have been ended. */
  get hasRoom(): boolean {
    return !this.#ended && this.#streams.size < this.#limits.streams;
  }

  /** Streams to a response whose head is written, until either side ends it. */
  add(response: ServerResponse): void {
    const stream: Stream = { response, openedMs: this.#clock.now(), blockedMs: undefined, isBehind: false };
    this.#streams.add(stream);
    let leave = () => {};
    response.once('close', () => {
      leave();
      this.#streams.delete(stream);
      if (this.#streams.size === 0) this.#beating?.abort();
    });
    response.on('error', () => response.destroy());
    response.on('drain', () => this.#drained(stream));
    response.write(FIRST);
    if (this.#streams.size === 1) void this.#beat();
    try {
      leave = this.#feed.join({ changed: (event) => this.#send(stream, event) });
      this.#sendAll(stream);
    } catch (error) {
      this.#logger.error({ reason: messageOf(error) }, 'a browser can not be shown the page');
      response.end();
    }
  }

  /** Ends all, and lets no other begin. */
  stop(): void {
    this.#ended = true;
    this.#beating?.abort();
    for (const { response } of this.#streams) response.end();
  }

  #sendAll(stream: Stream): void {
    this.#send(stream, this.#feed.time());
    this.#send(stream, this.#feed.snapshot());
  }

  #send(stream: Stream, event: Buffer): void {
    stream.isBehind ||= stream.response.writableLength > MAX_UNREAD_BYTES;
    if (!stream.isBehind && !stream.response.write(event)) stream.blockedMs ??= this.#clock.now();
  }

  #drained(stream: Stream): void {
    stream.blockedMs = undefined;
    if (!stream.isBehind) return;
    stream.isBehind = false;
    this.#sendAll(stream);
  }

  async #beat(): Promise<void> {
    const beating = new AbortController();
    this.#beating = beating;
    const { beatMs, stallMs, lifeMs } = this.#limits;
    for (;;) {
      await this.#clock.sleep(beatMs, beating.signal).catch(() => undefined);
      if (beating.signal.aborted) return;
      const nowMs = this.#clock.now();
      for (const stream of this.#streams) {
        const { response, blockedMs, openedMs } = stream;
        if (blockedMs !== undefined && nowMs - blockedMs >= stallMs) response.destroy();
        else if (nowMs - openedMs >= lifeMs) response.end();
        else this.#send(stream, BEAT);
      }
    }
  }
}
