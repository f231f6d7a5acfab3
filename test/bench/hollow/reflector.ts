import { text } from 'node:stream/consumers';
import type { Connections } from '../../../providers/simulated/connections.ts';
import { createBackoff } from '../../../src/core/backoff.ts';
import type { Clock } from '../../../src/core/clock.ts';
import { messageOf } from '../../../src/core/errors.ts';

/** One collection that a cell follows. */
export interface ReflectorOptions {
  readonly connections: Connections;
  /** Path with its selectors, if any. */
  readonly path: string;
  /** Given the whole body of each list. */
  readonly onList?: (body: string) => void;
  /** Given the bytes of the watch as they come. */
  readonly onBytes: (bytes: Buffer) => void;
  /** Called whenever the watch has begun or ended. */
  readonly onWatching: (watching: boolean) => void;
  /** Told what a list or watch has failed of, before it is tried again. */
  readonly onFailure: (reason: string) => void;
  readonly clock: Clock;
}

const RETRY_MIN_MS = 800;
const RETRY_MAX_MS = 30_000;
const HEADERS = { accept: 'application/json', 'user-agent': 'kubelet/hollow' };

function versionIn(head: string): string | undefined {
  return /^.{0,120}?"resourceVersion":"(\d+)"/.exec(head)?.[1];
}

/** Reads a list; keeps its text only for whoever wants it. */
async function list({ connections, path, onList }: ReflectorOptions, signal: AbortSignal): Promise<string> {
  const { status, body } = await connections.request({ method: 'GET', path, headers: HEADERS, signal });
  const parts: Buffer[] = [];
  for await (const chunk of body) if (parts.length === 0 || onList !== undefined) parts.push(chunk as Buffer);
  const said = Buffer.concat(parts).toString('utf8');
  const version = versionIn(said);
  if (status !== 200 || version === undefined) throw new Error(`list of ${path}: ${status}`);
  onList?.(said);
  return version;
}

async function watch(options: ReflectorOptions, version: string, signal: AbortSignal): Promise<void> {
  const { connections, onBytes, onWatching } = options;
  const joint = options.path.includes('?') ? '&' : '?';
  const path = `${options.path}${joint}watch=true&allowWatchBookmarks=true&resourceVersion=${version}`;
  const { status, body } = await connections.request({ method: 'GET', path, headers: HEADERS, signal });
  if (status !== 200) throw new Error(`watch of ${path}: ${status} ${await text(body)}`);
  onWatching(true);
  try {
    for await (const chunk of body) onBytes(chunk as Buffer);
  } finally {
    onWatching(false);
  }
}

/** Lists and watches until the signal aborts, with the pauses that a Go client makes; a watch that ends is begun anew. */
export async function reflect(options: ReflectorOptions, signal: AbortSignal): Promise<void> {
  const backoff = createBackoff(RETRY_MIN_MS, RETRY_MAX_MS);
  while (!signal.aborted) {
    try {
      const version = await list(options, signal);
      backoff.reset();
      await watch(options, version, signal);
    } catch (error) {
      if (signal.aborted) return;
      options.onFailure(messageOf(error));
      await options.clock.sleep(backoff.next(), signal).catch(() => undefined);
    }
  }
}
