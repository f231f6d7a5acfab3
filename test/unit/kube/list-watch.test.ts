import type { ServerResponse } from 'node:http';
import { pino } from 'pino';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Clock, systemClock } from '../../../src/core/clock.ts';
import { Collection } from '../../../src/kube/collection.ts';
import { runListWatch } from '../../../src/kube/list-watch.ts';
import type { KubeObject } from '../../../src/kube/objects.ts';
import { answer, scriptedApiServer } from '../../support/scripted-api-server.ts';

const logger = pino({ level: 'silent' });
/** Real time, but backoff costs nothing. */
const hasty: Clock = { now: systemClock.now, sleep: (_ms, signal) => systemClock.sleep(1, signal) };

function object(name: string, resourceVersion: number): KubeObject {
  return { metadata: { name, namespace: 'ns', uid: `uid-${name}`, resourceVersion: String(resourceVersion) } };
}

function list(resourceVersion: number, ...items: KubeObject[]) {
  return { kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: String(resourceVersion) }, items };
}

const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Serves lists and watches from scripts, one entry per request, and runs a list-watch against it. */
async function run(
  lists: ((response: ServerResponse) => void)[],
  watches: ((response: ServerResponse, from: string) => void)[],
) {
  const seen: string[] = [];
  const server = await scriptedApiServer((_request, response, url) => {
    const from = url.searchParams.get('resourceVersion') ?? '';
    const watching = url.searchParams.get('watch') === 'true';
    seen.push(watching ? `watch ${from}` : 'list');
    const script = watching ? watches.shift() : lists.shift();
    if (script === undefined) response.writeHead(200).flushHeaders();
    else script(response, from);
  });
  const collection = new Collection<KubeObject>();
  const stop = new AbortController();
  const done = runListWatch(
    { client: server.client, path: '/api/v1/pods', sink: collection, clock: hasty, logger },
    stop.signal,
  );
  cleanups.push(
    server.close,
    () => done,
    () => stop.abort(),
  );
  return { collection, seen };
}

const names = (collection: Collection<KubeObject>) =>
  [...collection.items()].map(({ metadata }) => metadata.name).sort();

function lines(response: ServerResponse, ...events: unknown[]): void {
  for (const event of events) response.write(`${JSON.stringify(event)}\n`);
}

describe('list-watch', () => {
  test('resumes a cut watch from the last event, without listing again', async () => {
    const { collection, seen } = await run(
      [(response) => answer(response, 200, list(10, object('a', 5)))],
      [
        (response) => {
          lines(response, { type: 'ADDED', object: object('b', 11) });
          setTimeout(() => response.destroy(), 20);
        },
        (response) => lines(response, { type: 'DELETED', object: object('a', 12) }),
      ],
    );
    await vi.waitFor(() => expect(names(collection)).toEqual(['b']));
    expect(seen).toEqual(['list', 'watch 10', 'watch 11']);
  });

  test.each([
    ['as an answer', (response: ServerResponse) => answer(response, 410, { kind: 'Status', code: 410 })],
    [
      'within the stream',
      (response: ServerResponse) =>
        lines(response, { type: 'ERROR', object: { kind: 'Status', code: 410, message: 'old' } }),
    ],
  ])('lists again on 410 %s, and tells what vanished meanwhile', async (_how, expire) => {
    const { collection, seen } = await run(
      [
        (response) => answer(response, 200, list(10, object('a', 5), object('b', 6))),
        (response) => answer(response, 200, list(20, object('b', 6))),
      ],
      [expire],
    );
    const gone: string[] = [];
    collection.subscribe(({ type, object: { metadata } }) => type === 'DELETED' && gone.push(metadata.name));
    await vi.waitFor(() => expect(seen).toContain('watch 20'));
    expect(names(collection)).toEqual(['b']);
    expect(gone).toEqual(['a']);
  });

  test('outlives refusals, broken JSON and closed connections', async () => {
    const { collection } = await run(
      [
        (response) => answer(response, 500, { message: 'boom' }),
        (response) => answer(response, 429, { message: 'slow down' }),
        (response) => response.destroy(),
        (response) => response.writeHead(200).end('not json'),
        (response) => answer(response, 200, list(10, object('a', 5))),
      ],
      [
        (response) => response.destroy(),
        (response) => response.end('half a li'),
        (response) => answer(response, 503, {}),
      ],
    );
    await vi.waitFor(() => expect(names(collection)).toEqual(['a']));
    expect(collection.synced).toBe(true);
  });

  test('bookmarks move the point of resumption', async () => {
    const { seen } = await run(
      [(response) => answer(response, 200, list(10))],
      [
        (response) => {
          lines(response, { type: 'BOOKMARK', object: { metadata: { resourceVersion: '30' } } });
          setTimeout(() => response.end(), 20);
        },
      ],
    );
    await vi.waitFor(() => expect(seen).toContain('watch 30'));
  });
});

describe('collection', () => {
  test('answers a resumption with each later change once, deletions included', () => {
    const collection = new Collection<KubeObject>();
    collection.replace([object('a', 5), object('b', 6)], '10');
    collection.apply('MODIFIED', object('a', 11));
    collection.apply('MODIFIED', object('a', 12));
    collection.apply('DELETED', object('b', 13));
    const changes = collection.changesSince('10');
    expect(changes).not.toBe('expired');
    expect((changes as { type: string; object: KubeObject }[]).map((c) => [c.type, c.object.metadata.name])).toEqual([
      ['MODIFIED', 'a'],
      ['DELETED', 'b'],
    ]);
    expect(collection.changesSince('13')).toEqual([]);
  });

  test.each(['9', '14', '', 'x'])('a resumption from "%s", which it never knew, is expired', (version) => {
    const collection = new Collection<KubeObject>();
    collection.replace([object('a', 5)], '10');
    collection.apply('MODIFIED', object('a', 13));
    expect(collection.changesSince(version)).toBe('expired');
  });

  test('an object deleted and made again under its name is told as both', () => {
    const collection = new Collection<KubeObject>();
    collection.replace([object('a', 5)], '10');
    const told: string[] = [];
    collection.subscribe(({ type, object: { metadata } }) => told.push(`${type} ${metadata.uid}`));
    const again = object('a', 15);
    again.metadata.uid = 'uid-other';
    collection.replace([again], '20');
    expect(told).toEqual(['DELETED uid-a', 'ADDED uid-other']);
  });
});
