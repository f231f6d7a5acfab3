import type { Clock } from '../core/clock.ts';
import type { Answer } from './http/answer.ts';
import { type Response, sendRefusal } from './http/app.ts';
import { isCurrent } from './http/authentication.ts';
import { onceClosed } from './http/closed.ts';
import type { Connection } from './http/connection.ts';
import { Refusal } from './http/refusal.ts';
import type { CellApiMetrics } from './metrics.ts';
import type { CellBook } from './ports.ts';
import type { Outcome } from './request-pipeline.ts';
import type { CellSession } from './session.ts';
import type { WatchHub } from './watch/hub.ts';

export interface DeliveryOptions {
  readonly hub: WatchHub;
  readonly book: CellBook;
  readonly clock: Clock;
  readonly metrics: CellApiMetrics;
  /** Whose watches and answers those of callers without a certificate are. */
  readonly strangers: CellSession;
}

/** How long a client may take to read an answer that is complete. */
const READ_TIMEOUT_MS = 60_000;

/** Sends what the pipeline has come to. */
export function deliver(options: DeliveryOptions, outcome: Outcome, response: Response, connection: Connection): void {
  const { reply, caller } = outcome;
  const session = caller.kind === 'cell' ? caller.session : options.strangers;
  if (reply instanceof Refusal) {
    // What a stranger's connection is used for next would be refused as well.
    if (reply.status === 401) onceClosed(response.raw, () => connection.close());
    sendRefusal(response, reply);
    return;
  }
  if (!('watch' in reply)) {
    sendAnswer(options, reply, { response, connection, session });
    return;
  }
  response.hijack();
  const { book, clock, hub } = options;
  const { resource, options: list } = outcome;
  const callerIsGood = (): boolean =>
    caller.kind !== 'cell' || (isCurrent(caller.certificate, clock.now()) && book.find(session.cellId) !== undefined);
  const { allowBookmarks: bookmarks, timeoutSeconds } = list;
  hub.open(response.raw, { session, resource, bookmarks, timeoutSeconds, callerIsGood }, reply.watch);
}

/** An answer is the cell's debt until its client has read it. */
function sendAnswer(
  { clock, metrics }: DeliveryOptions,
  { status, contentType = 'application/json', body }: Answer,
  to: { readonly response: Response; readonly connection: Connection; readonly session: CellSession },
): void {
  const { response, connection, session } = to;
  const bytes = Buffer.byteLength(body);
  if (!session.unread.hold(bytes)) {
    metrics.denials.inc({ reason: 'slow-reader' });
    sendRefusal(response, unreadRefusal());
    return;
  }
  session.sentBucket.charge(clock.now(), bytes);
  const cut = setTimeout(() => {
    metrics.denials.inc({ reason: 'slow-reader' });
    connection.destroy();
  }, READ_TIMEOUT_MS);
  onceClosed(response.raw, () => {
    clearTimeout(cut);
    session.unread.release(bytes);
  });
  response.code(status).header('content-type', contentType).send(body);
}

function unreadRefusal(): Refusal {
  return new Refusal(429, 'the cell has too many answers that it has not read', { retryAfterSeconds: 1 });
}
