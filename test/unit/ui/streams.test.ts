import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterEach, describe, expect, test } from 'vitest';
import type { CellRow } from '../../../src/ui/cell-row.ts';
import type { FeedSource } from '../../../src/ui/feed.ts';
import { createPage } from '../../../src/ui/server.ts';
import type { StreamLimits } from '../../../src/ui/streams.ts';
import { manualClock } from '../../support/manual-clock.ts';

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** A page over real HTTP, with one cell whose text a test sets. */
async function served(limits: StreamLimits = {}) {
  let text = 'booting';
  const fault = { isThere: false };
  let changed: (cellId?: string) => void = () => undefined;
  const source: FeedSource = {
    overview() {
      if (fault.isThere) throw new Error('what nobody thought of');
      return { node: 'n', version: '1', cells: 1, pricePerHourUsd: 0, sections: [] };
    },
    cellIds: () => ['a'],
    cell: () => ({ id: 'a', reason: text }) as CellRow,
    watch(listener) {
      changed = listener;
      return () => undefined;
    },
  };
  const clock = manualClock();
  const registry = new Registry();
  const page = await createPage({ source, registry, clock, logger: pino({ level: 'silent' }), limits });
  const server = createServer((request, response) => page.serve(request.url?.slice(1), request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => {
    page.stop();
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const open = async (path = 'events') => {
    const request = get({ host: '127.0.0.1', port, path: `/${path}`, agent: false });
    request.on('error', () => undefined);
    ends.push(() => request.destroy());
    const [answer] = (await once(request, 'response')) as [IncomingMessage];
    answer.on('error', () => undefined);
    return answer;
  };
  function set(next: string): void {
    text = next;
    changed('a');
  }
  const openStreams = () => registry.getSingleMetricAsString('nodeless_page_streams');
  return { open, set, page, clock, openStreams, fault };
}

/** What a stream has given until now. */
function reading(answer: IncomingMessage): { text: string; ended: boolean } {
  const read = { text: '', ended: false };
  answer.on('data', (chunk) => {
    read.text += chunk;
  });
  answer.once('close', () => {
    read.ended = true;
  });
  return read;
}

describe('event streams', () => {
  test('begin with the whole state, go on with changes, and are never stored', async () => {
    const { open, set, clock } = await served();
    const answer = await open();
    const read = reading(answer);
    expect(answer.headers).toMatchObject({ 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    await expect
      .poll(() => read.text)
      .toMatch(/^retry: 2000\n\nevent: time\ndata: \d+\n\nevent: snapshot\ndata: .*"reason":"booting".*\n\n$/);
    set('ready');
    await clock.pass(1_000);
    await expect.poll(() => read.text).toMatch(/event: change\ndata: .*"reason":"ready".*\n\n$/);
  });

  test('tell what time it is, however long ago their state was put together', async () => {
    const { open, clock } = await served();
    const timeOf = ({ text }: { text: string }) => Number(/event: time\ndata: (\d+)\n/.exec(text)?.[1]);
    const first = reading(await open());
    await expect.poll(() => timeOf(first)).toBe(clock.now());
    await clock.pass(600_000);
    const second = reading(await open());
    await expect.poll(() => timeOf(second)).toBe(clock.now());
    await expect.poll(() => second.text).toMatch(/event: snapshot\ndata: (?!.*nowMs)/);
  });

  test('are bounded: one too many is told so, and has a place when another goes', async () => {
    const { open, openStreams } = await served({ streams: 2 });
    const [first] = [await open(), await open()];
    const refused = await open();
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([503, '5']);
    expect(await openStreams()).toContain('nodeless_page_streams 2');
    first?.destroy();
    await expect.poll(async () => (await openStreams()).includes('nodeless_page_streams 1')).toBe(true);
    expect((await open()).statusCode).toBe(200);
  });

  test('that can not begin end, and take no place', async () => {
    const { open, openStreams, fault } = await served();
    fault.isThere = true;
    const read = reading(await open());
    await expect.poll(() => read.ended).toBe(true);
    await expect.poll(async () => (await openStreams()).includes('nodeless_page_streams 0')).toBe(true);
    fault.isThere = false;
    expect(reading(await open()).ended).toBe(false);
  });

  test('give a sign of life while nothing changes', async () => {
    const { open, clock } = await served({ beatMs: 10_000 });
    const read = reading(await open());
    await clock.pass(20_000);
    await expect.poll(() => read.text.match(/: still here\n\n/g)?.length).toBe(2);
  });

  test('end after their time, so that who looks is asked for again who they are', async () => {
    const { open, clock } = await served({ beatMs: 1_000, lifeMs: 60_000 });
    const read = reading(await open());
    await clock.pass(59_000);
    expect(read.ended).toBe(false);
    await clock.pass(2_000);
    await expect.poll(() => read.ended).toBe(true);
  });

  test('that nobody reads take no more, and are cut off', async () => {
    const { open, set, clock, openStreams } = await served({ beatMs: 1_000, stallMs: 30_000 });
    const slow = await open();
    slow.pause();
    const quick = reading(await open());
    const large = 'x'.repeat(1024 * 1024);
    for (let step = 0; step < 25; step += 1) {
      set(`${step} ${large}`);
      await clock.pass(1_000);
    }
    expect(await openStreams()).toContain('nodeless_page_streams 2');
    await clock.pass(30_000);
    await expect.poll(async () => (await openStreams()).includes('nodeless_page_streams 1')).toBe(true);
    expect(quick.ended).toBe(false);
    // Kept for the slow one, at most: what the kernel takes, a mebibyte, and the event that went over it.
    const left = reading(slow);
    slow.resume();
    await expect.poll(() => left.ended).toBe(true);
    expect(left.text.length).toBeLessThan(15 * 1024 * 1024);
  });

  test('that fell behind get the whole state once they have read', async () => {
    const { open, set, clock } = await served();
    const slow = await open();
    slow.pause();
    const large = 'x'.repeat(1024 * 1024);
    for (let step = 0; step < 25; step += 1) {
      set(`step ${step} ${large}`);
      await clock.pass(1_000);
    }
    const read = reading(slow);
    slow.resume();
    await expect.poll(() => read.text.includes('"reason":"step 24 ')).toBe(true);
    expect(read.text.match(/event: snapshot/g)?.length).toBeGreaterThanOrEqual(2);
    expect(read.text.match(/event: change/g)?.length).toBeLessThan(24);
  });

  test('end with the page, and none begins after', async () => {
    const { open, page } = await served();
    const read = reading(await open());
    page.stop();
    await expect.poll(() => read.ended).toBe(true);
    expect((await open()).statusCode).toBe(503);
  });
});

describe('the page’s files', () => {
  test('are small, typed, and hold to a strict policy', async () => {
    const { open } = await served();
    const sizes: number[] = [];
    for (const [name, type] of [
      ['', 'text/html; charset=utf-8'],
      ['style.css', 'text/css; charset=utf-8'],
      ['page.js', 'text/javascript; charset=utf-8'],
    ]) {
      const answer = await open(name);
      expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, type]);
      expect(answer.headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'content-security-policy': expect.stringMatching(/^default-src 'none'; script-src 'self'; style-src 'self'/),
      });
      expect(answer.headers['content-security-policy']).not.toMatch(/unsafe|\*|https?:/);
      sizes.push(Buffer.concat(await answer.toArray()).length);
    }
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(50 * 1024);
  });

  test.each(['nothing', 'page.js/', 'constructor', '../server.ts', 'index.html', '%70age.js'])(
    '%s is not one of them',
    async (name) => {
      const { open } = await served();
      expect((await open(name)).statusCode).toBe(404);
    },
  );

  test('write nothing from the cluster as markup', async () => {
    const { open } = await served();
    const script = Buffer.concat(await (await open('page.js')).toArray()).toString();
    expect(script).toContain('textContent');
    expect(script).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|https?:/);
  });
});
