import type { ServerResponse } from 'node:http';
import { type Logger, pino } from 'pino';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Clock, systemClock } from '../../../src/core/clock.ts';
import { Collection, startCollection } from '../../../src/kube/collection.ts';
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

/** A clock of the test's own: sleeps of the backoff are written down and over at once, steadiness comes when told. */
function pacedClock() {
  const slept: number[] = [];
  let nowMs = 0;
  const clock: Clock = {
    now: () => nowMs,
    sleep: async (ms, signal) => {
      if (ms === 5_000) return systemClock.sleep(60_000, signal);
      slept.push(ms);
      await systemClock.sleep(1, signal);
    },
  };
  return {
    clock,
    slept,
    advance: (ms: number) => {
      nowMs += ms;
    },
  };
}

describe('watches that end early', () => {
  /** Answers every watch alike, and stops after a number of them. */
  async function pacedRun(count: number, serve: (response: ServerResponse, advance: (ms: number) => void) => void) {
    const { clock, slept, advance } = pacedClock();
    const stop = new AbortController();
    const warnings: unknown[] = [];
    let watches = 0;
    const server = await scriptedApiServer((_request, response, url) => {
      if (url.searchParams.get('watch') !== 'true') return answer(response, 200, list(10));
      watches += 1;
      if (watches > count) return stop.abort();
      serve(response, advance);
    });
    cleanups.push(server.close);
    const logging = { ...logger, warn: (fields: unknown) => warnings.push(fields), info: () => undefined };
    const sink = new Collection<KubeObject>();
    await runListWatch(
      { client: server.client, path: '/x', sink, clock, logger: logging as unknown as Logger, random: () => 0 },
      stop.signal,
    );
    return { slept, warnings };
  }
  const added = { type: 'ADDED', object: object('a', 11) };

  test('one answered 200 and closed at once is waited after, longer each time, and told once', async () => {
    const { slept, warnings } = await pacedRun(5, (response) => response.writeHead(200).end());
    expect(slept).toEqual([200, 400, 800, 1_600, 3_200]);
    expect(warnings).toHaveLength(1);
  });

  test('one cut after its headers alone does not reset the backoff', async () => {
    const { slept } = await pacedRun(4, (response) => {
      response.writeHead(200).flushHeaders();
      setTimeout(() => response.destroy(), 20);
    });
    expect(slept).toEqual([200, 400, 800, 1_600]);
  });

  test('an event resets the backoff, yet the next watch comes after a pause', async () => {
    const { slept } = await pacedRun(3, (response) => {
      lines(response, added);
      response.end();
    });
    expect(slept).toEqual([200, 200, 200]);
  });

  test('an error event resets nothing', async () => {
    const broken = { type: 'ERROR', object: { kind: 'Status', code: 500, message: 'broken' } };
    const { slept } = await pacedRun(3, (response) => {
      lines(response, broken);
      response.end();
    });
    expect(slept).toEqual([200, 400, 800]);
  });

  test('one that has lived for five seconds is followed at once', async () => {
    const { slept, warnings } = await pacedRun(3, (response, advance) => {
      response.writeHead(200).flushHeaders();
      setTimeout(() => {
        advance(5_000);
        response.end();
      }, 20);
    });
    expect(slept).toEqual([]);
    expect(warnings).toEqual([]);
  });

  test('five seconds of silent life reset the backoff', async () => {
    const slept: number[] = [];
    const { client, close } = await scriptedApiServer((_request, response, url) => {
      if (url.searchParams.get('watch') !== 'true') return answer(response, 200, list(10));
      response.writeHead(200).flushHeaders();
      setTimeout(() => response.destroy(), 50);
    });
    const stop = new AbortController();
    const clock: Clock = {
      now: () => 0,
      sleep: async (ms) => {
        if (ms !== 5_000) slept.push(ms);
        if (slept.length === 3) stop.abort();
      },
    };
    await runListWatch(
      { client, path: '/x', sink: new Collection<KubeObject>(), clock, logger, random: () => 0 },
      stop.signal,
    );
    await close();
    expect(slept).toEqual([200, 200, 200]);
  });
});

describe('collection', () => {
  test('a listener that throws is reported, and the others are called all the same', async () => {
    const server = await scriptedApiServer((_request, response, url) => {
      if (url.searchParams.get('watch') !== 'true') return answer(response, 200, list(10));
      lines(response, { type: 'ADDED', object: object('a', 11) }, { type: 'ADDED', object: object('b', 12) });
    });
    const stop = new AbortController();
    const logged: unknown[] = [];
    const logging = pino({ level: 'info' }, { write: (line) => logged.push(JSON.parse(line)) });
    const source = { client: server.client, path: '/api/v1/pods', clock: hasty, logger: logging };
    const collection = startCollection<KubeObject>(source, stop.signal);
    cleanups.push(server.close, () => stop.abort());
    const told: string[] = [];
    collection.subscribe(({ object: { metadata } }) => {
      if (metadata.name === 'a') throw new Error('boom');
    });
    collection.subscribe(({ object: { metadata } }) => told.push(metadata.name));
    await vi.waitFor(() => expect(told).toEqual(['a', 'b']));
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatchObject({ path: '/api/v1/pods', type: 'ADDED', name: 'a', reason: 'boom' });
  });

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
