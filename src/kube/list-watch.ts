import type { Readable } from 'node:stream';
import type { Logger } from 'pino';
import { createBackoff } from '../core/backoff.ts';
import type { Clock } from '../core/clock.ts';
import { isNodelessError, messageOf, NodelessError } from '../core/errors.ts';
import { call } from './calls.ts';
import type { KubeClient } from './client.ts';
import { linesOf } from './lines.ts';
import type { KubeObject, Status, WatchEvent } from './objects.ts';

/** What a list-watch feeds. */
export interface ListWatchSink<T> {
  /** The whole truth at one moment: whatever is not in it is gone. */
  replace(items: readonly T[], resourceVersion: string): void;
  apply(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): void;
  bookmark(resourceVersion: string): void;
}

export interface ListWatchOptions<T> {
  readonly client: KubeClient;
  /** Collection path, such as `/api/v1/pods`. */
  readonly path: string;
  /** fieldSelector or labelSelector. */
  readonly query?: Readonly<Record<string, string>>;
  readonly sink: ListWatchSink<T>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random?: () => number;
}

interface List<T> {
  metadata: { resourceVersion: string };
  apiVersion: string;
  kind: string;
  items: T[] | null;
}

const WATCH_SECONDS = 300;
const EXPIRED = 410;
/** undici's error when a body has been silent for the client's whole idle time. */
const QUIET = 'UND_ERR_BODY_TIMEOUT';
/** A watch that lives this long is a good one, though it says nothing; after a shorter one the next has to wait. */
const STEADY_MS = 5_000;

function expired(message: string): NodelessError {
  return new NodelessError({ code: 'Expired', retryable: true, message });
}

/** Items of a list come without apiVersion and kind; watches and kubelets want them. */
function complete<T extends KubeObject>(list: List<T>): T[] {
  const kind = list.kind.replace(/List$/, '');
  return (list.items ?? []).map((item) => ({ ...item, apiVersion: list.apiVersion, kind }));
}

/**
 * Keeps a sink equal to a collection until the signal aborts: lists, watches, resumes after a cut, lists again
 * when the server forgot the version (410), backs off on anything else, and never gives up. Resolves on abort.
 */
export async function runListWatch<T extends KubeObject>(
  options: ListWatchOptions<T>,
  signal: AbortSignal,
): Promise<void> {
  const { client, path, query, sink, clock, logger } = options;
  const random = options.random ?? Math.random;
  const backoff = createBackoff(200, 15_000, random);
  let version: string | undefined;
  let failing = false;

  async function list(): Promise<string> {
    const answer = await call<List<T>>(client, { method: 'GET', path, query: { ...query }, signal });
    sink.replace(complete(answer), answer.metadata.resourceVersion);
    return answer.metadata.resourceVersion;
  }

  function recovered(): void {
    backoff.reset();
    if (failing) logger.info({ path }, 'watch is back');
    failing = false;
  }

  async function watch(from: string): Promise<void> {
    const timeoutSeconds = String(Math.round(WATCH_SECONDS * (1 + random())));
    const answer = await client.stream({
      method: 'GET',
      path,
      query: { ...query, watch: 'true', allowWatchBookmarks: 'true', resourceVersion: from, timeoutSeconds },
      signal,
    });
    if (answer.status !== 200) throw await refusal(path, answer.status, answer.body);
    const startedMs = clock.now();
    const ended = new AbortController();
    clock.sleep(STEADY_MS, ended.signal).then(recovered, () => undefined);
    let heard = false;
    try {
      for await (const line of linesOf(answer.body)) {
        version = take(JSON.parse(line) as WatchEvent<T>);
        heard = true;
        recovered();
      }
    } finally {
      ended.abort();
    }
    if (clock.now() - startedMs >= STEADY_MS) return;
    if (!heard) throw closedAtOnce(path);
    await pause();
  }

  async function pause(): Promise<void> {
    await clock.sleep(backoff.next(), signal).catch(() => undefined);
  }

  function take(event: WatchEvent<T>): string {
    if (event.type === 'ERROR') {
      const status = event.object as unknown as Status;
      throw status.code === EXPIRED
        ? expired(status.message ?? 'expired')
        : new NodelessError({
            code: 'KubeRequestFailed',
            retryable: true,
            message: `watch of ${path}: ${status.message}`,
          });
    }
    const resourceVersion = event.object.metadata.resourceVersion ?? '';
    if (event.type === 'BOOKMARK') sink.bookmark(resourceVersion);
    else sink.apply(event.type, event.object);
    return resourceVersion;
  }

  while (!signal.aborted) {
    try {
      version ??= await list();
      await watch(version);
    } catch (error) {
      if (signal.aborted) return;
      // Nothing came for long, which a quiet collection and a dead connection have in common: begin anew, unconcerned.
      if ((error as { code?: string }).code === QUIET) continue;
      if (isNodelessError(error, 'Expired')) version = undefined;
      if (!failing) logger.warn({ path, reason: messageOf(error) }, 'watch is cut; trying again');
      failing = true;
      await pause();
    }
  }
}

function closedAtOnce(path: string): NodelessError {
  const message = `watch of ${path} was closed at once, without an event`;
  return new NodelessError({ code: 'KubeRequestFailed', retryable: true, message, identity: { path } });
}

async function refusal(path: string, status: number, body: Readable): Promise<NodelessError> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString().slice(0, 300);
  if (status === EXPIRED) return expired(`watch of ${path}: ${text}`);
  return new NodelessError({
    code: 'KubeRequestFailed',
    retryable: true,
    message: `watch of ${path} was answered with ${status}: ${text}`,
    identity: { path, status },
  });
}
