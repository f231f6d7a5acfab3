import 'reflect-metadata';
import { createSecureServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { X509Certificate } from '@peculiar/x509';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CellApiRequest, type Connections, connectionsTo } from '../../../../providers/simulated/connections.ts';
import { createAuthorityPair, issuePair } from '../../../../src/pki/certificates.ts';
import { keyFromPem } from '../../../../src/pki/key-pair.ts';

const sessions = new Set<ServerHttp2Session>();
let handle: (stream: ServerHttp2Stream) => void = (stream) => stream.respond();
let url = '';
let ca = '';
let close: () => void = () => undefined;

beforeAll(async () => {
  const authority = await createAuthorityPair('test', Date.now());
  ca = authority.certPem;
  const signer = { certificate: new X509Certificate(ca), privateKey: await keyFromPem(authority.keyPem) };
  const validity = { nowMs: Date.now(), ttlMs: 3_600_000 };
  const leaf = { commonName: 'cell-api', hosts: ['127.0.0.1'], usage: 'server', ...validity } as const;
  const { certPem, keyPem } = await issuePair(signer, leaf);
  const server = createSecureServer({ cert: certPem, key: keyPem });
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => undefined).on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream) => handle(stream.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  close = () => server.close();
});
afterAll(() => close());

function asks(signal: AbortSignal, more: Partial<CellApiRequest> = {}): CellApiRequest {
  return { method: 'GET', path: '/', headers: {}, signal, ...more };
}

async function answer(connections: Connections, more: Partial<CellApiRequest> = {}): Promise<string> {
  const { status, body } = await connections.request(asks(AbortSignal.timeout(10_000), more));
  return `${status} ${await text(body)}`;
}

describe('connections to a cell API', () => {
  test('carry a request and its answer', async () => {
    handle = async (stream) => {
      const said = await text(stream);
      stream.respond({ ':status': 201 });
      stream.end(said.toUpperCase());
    };
    const connections = connectionsTo(url, { ca });
    expect(await answer(connections, { method: 'POST', body: 'pod' })).toBe('201 POD');
    expect(await answer(connections, { method: 'PUT', body: 'node' })).toBe('201 NODE');
    expect(sessions.size).toBe(1);
    connections.destroy();
  });

  test('are opened again after the server has closed them', async () => {
    handle = (stream) => stream.respond({ ':status': 200 }, { endStream: true });
    const connections = connectionsTo(url, { ca });
    expect(await answer(connections)).toBe('200 ');
    for (const session of sessions) session.destroy();
    await expect.poll(() => answer(connections).catch(() => 'lost')).toBe('200 ');
    connections.destroy();
  });

  test('fail a request that the server drops without an answer', async () => {
    handle = (stream) => stream.session?.destroy();
    const connections = connectionsTo(url, { ca });
    await expect(answer(connections)).rejects.toThrow();
    connections.destroy();
  });

  test('fail a request that has no server', async () => {
    const connections = connectionsTo('https://127.0.0.1:9', { ca });
    await expect(answer(connections)).rejects.toThrow('ECONNREFUSED');
    connections.destroy();
  });

  test('end with what is under way, and disturb nobody by it', async () => {
    handle = (stream) => {
      stream.respond({ ':status': 200 });
      stream.write('{}\n');
      setTimeout(() => stream.destroyed || stream.end(), Math.random() * 20);
    };
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        const connections = connectionsTo(url, { ca });
        const end = new AbortController();
        const loops = Array.from({ length: 4 }, async () => {
          while (!end.signal.aborted) {
            const asked = await connections.request(asks(end.signal)).catch(() => undefined);
            if (asked !== undefined) await text(asked.body).catch(() => undefined);
          }
        });
        await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 100));
        end.abort();
        connections.destroy();
        await Promise.all(loops);
        await expect(connections.request(asks(AbortSignal.timeout(10_000)))).rejects.toThrow('have ended');
      }),
    );
    await expect.poll(() => sessions.size).toBe(0);
  });
});
