import type { IncomingMessage, ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createRig, type Rig } from './support/rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await createRig();
});
afterEach(() => rig.close());

async function podWithLogs(handler: (request: IncomingMessage, response: ServerResponse) => void) {
  const kubelet = await rig.kubelet({ request: handler });
  rig.cellOf.set('ns/pod', { cellId: 'c1', address: '127.0.0.1', port: kubelet.port, podUid: 'uid-1' });
  return kubelet;
}

function follow(more = ''): Promise<IncomingMessage> {
  const path = `/containerLogs/ns/pod/c?follow=true${more}`;
  const options = {
    host: '127.0.0.1',
    port: rig.port,
    path,
    ...rig.admin,
    rejectUnauthorized: false,
    agent: false as const,
  };
  return new Promise((resolve, reject) => {
    httpsRequest(options, resolve).on('error', reject).end();
  });
}

function nextChunk(answer: IncomingMessage): Promise<string> {
  return new Promise((resolve) => answer.once('data', (chunk: Buffer) => resolve(chunk.toString())));
}

describe('container logs', () => {
  test('the query goes to the cell as it came, and lines come as they are written', async () => {
    const lines = Promise.withResolvers<ServerResponse>();
    const kubelet = await podWithLogs((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      lines.resolve(response);
      response.write('one\n');
    });
    const answer = await follow();
    expect(await nextChunk(answer)).toBe('one\n');
    (await lines.promise).write('two\n');
    expect(await nextChunk(answer)).toBe('two\n');
    (await lines.promise).end();
    await new Promise((resolve) => answer.once('end', resolve).resume());
    expect(kubelet.seen[0]?.url).toBe('/containerLogs/ns/pod/c?follow=true');
  });

  test('of a pod that every cell has are those of the cell that is named', async () => {
    const kubelet = await rig.kubelet({ request: (_request, response) => response.end('of c2\n') });
    rig.cellOf.set('ns/pod/c2', { cellId: 'c2', address: '127.0.0.1', port: kubelet.port, podUid: 'uid-1' });
    expect(await nextChunk(await follow('&cell=c2'))).toBe('of c2\n');
    expect(kubelet.seen[0]?.url).toBe('/containerLogs/ns/pod/c?follow=true');
    expect(await nextChunk(await follow('&cell=c3'))).toContain('pod pod does not exist');
  });

  test('a caller that goes away ends the request to the cell, also before the first line', async () => {
    const begun = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<void>();
    await podWithLogs((_request, response) => {
      begun.resolve();
      response.once('close', () => closed.resolve());
    });
    const { port, admin } = rig;
    const path = '/containerLogs/ns/pod/c?follow=true';
    const outgoing = httpsRequest({ host: '127.0.0.1', port, path, ...admin, rejectUnauthorized: false, agent: false });
    outgoing.on('error', () => undefined).end();
    await begun.promise;
    outgoing.destroy();
    await closed.promise;
  });

  test('an answer that the cell cuts off is cut off for the caller, not ended', async () => {
    await podWithLogs((_request, response) => {
      response.write('half a li');
      setTimeout(() => response.destroy(), 20);
    });
    const answer = await follow();
    await expect(answer.toArray()).rejects.toThrow('aborted');
  });

  test("the kubelet's own refusal passes through", async () => {
    await podWithLogs((_request, response) =>
      response.writeHead(400).end('previous terminated container "c" not found'),
    );
    const answer = await rig.get('/containerLogs/ns/pod/c?previous=true');
    expect([answer.status, answer.body]).toEqual([400, 'previous terminated container "c" not found']);
  });

  test('logs of a pod whose cell has ended say why there are none, in a status that the API server passes on', async () => {
    rig.cellOf.set('ns/pod', { missing: 'the cell of this pod ended 60 s after it finished; its logs are gone' });
    const answer = await rig.get('/containerLogs/ns/pod/c');
    expect([answer.status, answer.body]).toEqual([
      400,
      'the cell of this pod ended 60 s after it finished; its logs are gone',
    ]);
  });

  test('a cell whose certificate names another address is not believed', async () => {
    const kubelet = await rig.kubelet({ ip: '127.0.0.99', request: (_request, response) => response.end('stolen') });
    rig.cellOf.set('ns/pod', { cellId: 'c1', address: '127.0.0.1', port: kubelet.port, podUid: 'uid-1' });
    const answer = await rig.get('/containerLogs/ns/pod/c');
    expect(answer.status).toBe(502);
    expect(answer.body).not.toContain('stolen');
    expect(kubelet.seen).toHaveLength(0);
  });

  test('a cell that redirects is not followed, nor is the caller sent there', async () => {
    await podWithLogs((_request, response) => response.writeHead(307, { location: 'https://elsewhere/' }).end());
    const answer = await rig.get('/containerLogs/ns/pod/c');
    expect([answer.status, answer.headers.location]).toEqual([502, undefined]);
  });

  test('other methods are refused', async () => {
    const kubelet = await podWithLogs((_request, response) => response.end('x'));
    const answer = await rig.get('/containerLogs/ns/pod/c', { method: 'DELETE' });
    expect(answer.status).toBe(405);
    expect(kubelet.seen).toHaveLength(0);
  });

  test('exec without an upgrade gets what the kubelet says to that', async () => {
    const kubelet = await podWithLogs((_request, response) =>
      response.writeHead(400).end('you must specify at least 1 of stdin'),
    );
    const answer = await rig.get('/exec/ns/pod/c?command=ls', { method: 'POST', headers: { 'content-length': 3 } });
    expect([answer.status, answer.body]).toEqual([400, 'you must specify at least 1 of stdin']);
    expect(kubelet.seen[0]?.method).toBe('POST');
  });
});
