import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { pino } from 'pino';
import type { Browser } from 'playwright-core';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Book } from '../../src/cells/book.ts';
import { systemClock as clock } from '../../src/core/clock.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { Collection } from '../../src/kube/collection.ts';
import type { KubeObject } from '../../src/kube/objects.ts';
import type { WirePod } from '../../src/kube/wire-pod.ts';
import { Decisions } from '../../src/ui/decisions.ts';
import { ledSource } from '../../src/ui/led-source.ts';
import { createPage } from '../../src/ui/server.ts';
import { accessibility, openBrowser, openPage, tabStops } from '../support/browser.ts';
import { cellMachine } from '../support/cell-machine.ts';

const CELLS = 1_000;
const HOSTILE = '<img src=x onerror="alert(1)"></td><script>alert(2)</script>';
const { signal } = new AbortController();
const progress = ({ step, detail }: { step: string; detail: string }) => console.log(`${step}: ${detail}`);

/** An API server that can not be asked, in the words of somebody hostile. */
const client = { request: () => Promise.reject(new Error(HOSTILE)) } as unknown as KubeClient;

let browser: Browser;

/** A page over real HTTP, with as many cells as that. */
async function served(count: number) {
  const book = new Book(clock);
  const decisions = new Decisions();
  const pods = new Collection<WirePod>();
  pods.replace([], '1');
  const source = ledSource({
    ...{ node: 'vnode', version: '1', provider: 'simulated', capacity: { cpu: '1024', pods: '1000' } },
    ...{ book, pods, decisions, client, clock },
    pools: new Collection<KubeObject>(),
    virtualNodes: () => [{ name: 'vnode', ready: true, led: true }],
    mayAct: () => true,
  });
  const page = await createPage({ source, registry: new Registry(), clock, logger: pino({ level: 'silent' }) });
  let newest: Socket | null = null;
  const server = createServer((request, response) => {
    const name = request.url?.slice(1);
    if (name === 'events') newest = response.socket;
    page.serve(name, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  /** A cell that has come as far as `running`. */
  function run(id: string, pod: string, instanceType = 'm7g.medium'): void {
    const cell = book.add({ cellId: id, podUid: id, pod }, 'requested');
    book.enter(cell, 'launching');
    book.seen(cell, { ...cellMachine(id, id), instanceType, zone: 'eu-west-1a', pricePerHourUsd: 0.0141 });
    book.enter(cell, 'booting');
    book.enter(cell, 'ready');
    book.handOver(cell, id);
  }
  function end(id: string): void {
    const cell = book.get(id);
    if (cell !== undefined) book.remove(cell);
  }
  for (let at = 0; at < count - 1; at += 1) run(`cell-${at}`, `shop/web-74759847f4-${at}`);
  run('cell-hostile', `shop/${HOSTILE}`, HOSTILE);
  decisions.add({ object: HOSTILE, atMs: 0, type: 'Warning', reason: HOSTILE, message: HOSTILE });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const stop = () => {
    page.stop();
    server.closeAllConnections();
    server.close();
  };
  /** What has been sent over the connection of the newest event stream. */
  const streamedBytes = () => newest?.bytesWritten ?? 0;
  return { url, book, run, end, stop, streamedBytes };
}

let many: Awaited<ReturnType<typeof served>>;
let few: Awaited<ReturnType<typeof served>>;

beforeAll(async () => {
  browser = await openBrowser(progress, signal);
  [many, few] = await Promise.all([served(CELLS), served(8)]);
});

afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
});

afterAll(async () => {
  await browser.close();
  many.stop();
  few.stop();
});

describe(`the page with ${CELLS} cells`, () => {
  test('shows the newest hundred at once, all on demand, and finds any by its filter', async () => {
    const beganMs = Date.now();
    const { page: tab, complaints } = await openPage(browser, many.url);
    const rows = tab.locator('#cell-rows > tr:not(.detail)');
    await tab.getByText(`100 of ${CELLS} cells shown`).waitFor();
    console.log(`${CELLS} cells: shown after ${Date.now() - beganMs} ms`);
    expect(await rows.count()).toBe(100);
    await tab.getByRole('button', { name: 'Show more' }).click();
    expect(await rows.count()).toBe(200);
    await tab.getByLabel('Filter').fill('74759847f4-77');
    await tab.getByText(`11 of ${CELLS} cells shown`).waitFor();
    expect(await rows.count()).toBe(11);
    expect(complaints).toEqual([]);
  });

  test('is told of changes alone', async () => {
    const { page: tab } = await openPage(browser, many.url);
    await tab.getByText(`100 of ${CELLS} cells shown`).waitFor();
    await tab.getByLabel('Filter').fill('cell-777');
    const phase = tab.locator('#cell-rows > tr:not(.detail) > td:nth-child(3)');
    await phase.getByText('running').waitFor();
    const wholeBytes = many.streamedBytes();
    expect(wholeBytes).toBeGreaterThan(100_000);
    const cell = many.book.get('cell-777');
    if (cell !== undefined) many.book.enter(cell, 'ending');
    await phase.getByText('ending').waitFor();
    const changeBytes = many.streamedBytes() - wholeBytes;
    console.log(`${CELLS} cells: ${wholeBytes} bytes, and ${changeBytes} for a change`);
    expect(changeBytes).toBeGreaterThan(0);
    expect(changeBytes).toBeLessThan(wholeBytes / 20);
  });

  test('writes names and messages as text, whatever they are', async () => {
    const { page: tab, complaints, asked } = await openPage(browser, many.url);
    await tab.getByLabel('Filter').fill('onerror');
    await tab.getByText(`1 of ${CELLS} cells shown`).waitFor();
    await tab.getByRole('button', { name: 'cell-hostile' }).click();
    expect(await tab.locator('#cell-rows td').nth(0).textContent()).toBe(`shop/${HOSTILE}`);
    expect(await tab.locator('#decisions tbody th').textContent()).toBe(HOSTILE);
    await tab.locator('#control-plane').getByText('<script>').waitFor();
    expect(await tab.locator('img, main script').count()).toBe(0);
    expect([complaints, asked.filter((one) => !one.startsWith(many.url))]).toEqual([[], []]);
  });
});

describe('the page', () => {
  test.each([
    { name: 'wide', colorScheme: 'light', viewport: { width: 1_920, height: 1_000 } },
    { name: 'dark', colorScheme: 'dark', viewport: { width: 1_024, height: 768 } },
    { name: 'narrow', colorScheme: 'dark', viewport: { width: 360, height: 740 } },
  ] as const)('passes an accessibility check and fits, $name', async ({ name, ...options }) => {
    const { page: tab, shoot } = await openPage(browser, few.url, options);
    await tab.getByRole('button', { name: 'cell-0' }).waitFor();
    await tab.getByRole('button', { name: 'cell-0' }).click();
    await shoot(`ui-${name}`);
    const { wrong, rules } = await accessibility(tab);
    expect(wrong).toEqual([]);
    expect(rules).toBeGreaterThan(20);
    expect(await tab.evaluate('document.documentElement.scrollWidth')).toBe(options.viewport.width);
  });

  test('is all within reach of the keyboard, which keeps its place while cells come', async () => {
    const { page: tab } = await openPage(browser, few.url);
    await tab.getByRole('button', { name: 'cell-0' }).waitFor();
    const stops = await tabStops(tab, 50);
    expect(stops.slice(0, 2)).toEqual(['Skip to the cells', 'pause']);
    for (const stop of ['nodes-title', 'control-plane-title', 'filter', 'cells-title', 'decisions-title'])
      expect(stops).toContain(stop);
    expect(stops.filter((stop) => stop.startsWith('cell-') && !stop.endsWith('title'))).toHaveLength(8);
    const button = tab.getByRole('button', { name: 'cell-3' });
    await button.focus();
    await tab.keyboard.press('Enter');
    expect(await button.getAttribute('aria-expanded')).toBe('true');
    few.run('cell-new', 'shop/new');
    await tab.getByRole('button', { name: 'cell-new' }).waitFor();
    expect(await tab.evaluate('document.activeElement.textContent')).toBe('cell-3');
    few.end('cell-new');
  });

  test('moves nothing for who wants no motion', async () => {
    const { page: tab } = await openPage(browser, few.url, { reducedMotion: 'reduce' });
    await tab.getByRole('button', { name: 'cell-0' }).waitFor();
    const duration = `getComputedStyle(document.querySelector('.bar span')).transitionDuration`;
    expect(await tab.evaluate(duration)).toBe('0s');
  });

  test('stands still while it is paused, and is up to date after', async () => {
    const { page: tab } = await openPage(browser, few.url);
    const { page: live } = await openPage(browser, few.url);
    for (const one of [tab, live]) await one.getByText('Live', { exact: true }).waitFor();
    const pause = tab.getByRole('button', { name: 'Pause' });
    await pause.click();
    await tab.getByText('Paused', { exact: true }).waitFor();
    // Both pages have been sent the first by the time that one shows the second.
    for (const id of ['cell-meanwhile', 'cell-later']) {
      few.run(id, `shop/${id}`);
      await live.getByRole('button', { name: id }).waitFor();
    }
    expect(await tab.getByRole('button', { name: 'cell-meanwhile' }).count()).toBe(0);
    await pause.click();
    await tab.getByRole('button', { name: 'cell-meanwhile' }).waitFor();
    for (const id of ['cell-meanwhile', 'cell-later']) few.end(id);
    await tab.getByRole('button', { name: 'cell-meanwhile' }).waitFor({ state: 'detached' });
  });
});
