import type { Logger } from 'pino';
import type { Clock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { WatchAnswer } from '../http/answer.ts';
import { hasClosed, type RawResponse } from '../http/closed.ts';
import type { CellApiMetrics } from '../metrics.ts';
import type { CellSession } from '../session.ts';
import { WatchStream } from './open-watch.ts';

export interface WatchRequest {
  readonly session: CellSession;
  /** Label of the metric. */
  readonly resource: string;
  readonly bookmarks: boolean;
  readonly timeoutSeconds: number | undefined;
  /** False from when the caller's certificate has expired or its cell has ended. */
  readonly callerIsGood: () => boolean;
}

interface Entry extends WatchRequest {
  readonly stream: WatchStream;
  readonly answer: WatchAnswer;
}

export interface HubOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly metrics: Pick<CellApiMetrics, 'watches' | 'denials'>;
  readonly logger: Logger;
}

const BOOKMARK_MS = 55_000;
const BOOKMARK_JITTER_MS = 10_000;
/** A client without a wish gets what kube-apiserver gives (`--min-request-timeout`), up to twice that. */
const DEFAULT_TIMEOUT_SECONDS = 1_800;
const MAX_TIMEOUT_SECONDS = 3_600;
/** How often it is asked whether a watch may go on. */
const REVIEW_MS = 5_000;

/** Every open watch of every cell, with one ticker for their bookmarks, time limits and permissions. */
export class WatchHub {
  readonly #entries = new Set<Entry>();
  readonly #options: HubOptions;
  #reviewedAtMs = 0;

  constructor(options: HubOptions) {
    this.#options = options;
  }

  /** Turns a response into a watch; its headers are sent at once, since clients wait for them. */
  open(response: RawResponse, request: WatchRequest, answer: WatchAnswer): void {
    const { clock, random, metrics } = this.#options;
    const seconds = Math.min(request.timeoutSeconds || DEFAULT_TIMEOUT_SECONDS * (1 + random()), MAX_TIMEOUT_SECONDS);
    const subscription: { end?: () => void } = {};
    const stream = new WatchStream(response, {
      deadlineMs: clock.now() + seconds * 1_000,
      unread: request.session.unread,
      onSent: (bytes) => request.session.sentBucket.charge(clock.now(), bytes),
      onSlow: () => metrics.denials.inc({ reason: 'slow-reader' }),
      onEnd: () => {
        this.#entries.delete(entry);
        request.session.watches -= 1;
        metrics.watches.dec({ resource: request.resource });
        subscription.end?.();
      },
    });
    const entry: Entry = { ...request, stream, answer };
    this.#entries.add(entry);
    request.session.watches += 1;
    metrics.watches.inc({ resource: request.resource });
    if (request.bookmarks) stream.nextBookmarkMs = this.#bookmarkTime();
    if (hasClosed(response)) stream.destroy();
    else sendHeaders(response);
    const end = answer.begin(stream);
    if (stream.open) subscription.end = end;
    else end();
  }

  /** Called about once a second. */
  tick(): void {
    const now = this.#options.clock.now();
    const review = now - this.#reviewedAtMs >= REVIEW_MS;
    if (review) this.#reviewedAtMs = now;
    for (const entry of this.#entries) {
      try {
        this.#tickOf(entry, now, review);
      } catch (error) {
        this.#options.logger.error({ reason: messageOf(error) }, 'a watch failed');
        entry.stream.end();
      }
    }
  }

  #tickOf({ stream, answer, callerIsGood }: Entry, now: number, review: boolean): void {
    if (now >= stream.deadlineMs || (review && !(callerIsGood() && (answer.review?.() ?? true)))) {
      stream.end();
      return;
    }
    if (now < stream.nextBookmarkMs) return;
    stream.nextBookmarkMs = this.#bookmarkTime();
    const bookmark = answer.bookmark?.();
    if (bookmark !== undefined) stream.send(bookmark);
  }

  endOf(session: CellSession): void {
    for (const entry of this.#entries) if (entry.session === session) entry.stream.end();
  }

  endAll(): void {
    for (const { stream } of this.#entries) stream.end();
  }

  #bookmarkTime(): number {
    const { clock, random } = this.#options;
    return clock.now() + BOOKMARK_MS + random() * BOOKMARK_JITTER_MS;
  }
}

function sendHeaders(response: RawResponse): void {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-cache, private' };
  if ('stream' in response) {
    response.writeHead(200, headers);
    return;
  }
  response.writeHead(200, headers);
  response.flushHeaders();
}
