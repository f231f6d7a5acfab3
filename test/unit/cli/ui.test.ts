import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { PassThrough, type Readable } from 'node:stream';
import { afterEach, describe, expect, test } from 'vitest';
import { type PageProxy, startPageProxy } from '../../../src/cli/ui/page-proxy.ts';
import { requirePage, virtualNodesIn } from '../../../src/cli/ui/virtual-nodes.ts';
import type { KubeClient, KubeRequest } from '../../../src/kube/client.ts';

const { signal } = new AbortController();
const proxies: PageProxy[] = [];
afterEach(async () => {
  for (const proxy of proxies.splice(0)) await proxy.stop();
});

/** An API server that answers every request alike, or with a stream that stays open. */
function api(answer: { status?: number; body?: string; items?: readonly string[] } = {}) {
  const { status = 200, body = 'a body', items } = answer;
  const seen: KubeRequest[] = [];
  const open: PassThrough[] = [];
  const client = {
    async request(request: KubeRequest) {
      seen.push(request);
      const list = items?.map((name) => ({ metadata: { name } }));
      return {
        status,
        contentType: '',
        body: Buffer.from(list === undefined ? body : JSON.stringify({ items: list })),
      };
    },
    async stream(request: KubeRequest): Promise<{ status: number; body: Readable }> {
      seen.push(request);
      const stream = new PassThrough();
      request.signal?.addEventListener('abort', () => stream.destroy(), { once: true });
      stream.on('error', () => undefined);
      open.push(stream);
      stream.write(body);
      if (!request.path.endsWith('/events')) stream.end();
      return { status, body: stream };
    },
  } as unknown as KubeClient;
  return { client, seen, open };
}

async function proxyTo({ client }: Pick<ReturnType<typeof api>, 'client'>, nodes = ['vnode']) {
  const proxy = await startPageProxy({ client, nodes, port: 0 });
  proxies.push(proxy);
  const { port } = new URL(proxy.urlOf('vnode'));
  async function ask(path: string, options: RequestOptions = {}): Promise<IncomingMessage> {
    const request = httpRequest({ host: '127.0.0.1', port, path, agent: false, ...options });
    request.on('error', () => undefined).end();
    const [answer] = (await once(request, 'response')) as [IncomingMessage];
    return answer.on('error', () => undefined);
  }
  return { proxy, ask, port };
}

async function textOf(answer: IncomingMessage): Promise<string> {
  return Buffer.concat(await answer.toArray()).toString();
}

describe('the page on loopback', () => {
  test.each([
    ['', 'text/html; charset=utf-8'],
    ['style.css', 'text/css; charset=utf-8'],
    ['page.js', 'text/javascript; charset=utf-8'],
  ])('passes on /vnode/%s, with its type and policy', async (file, type) => {
    const { client, seen } = api();
    const { ask } = await proxyTo({ client });
    const answer = await ask(`/vnode/${file}`);
    expect([answer.statusCode, answer.headers['content-type'], await textOf(answer)]).toEqual([200, type, 'a body']);
    expect(answer.headers['content-security-policy']).toContain("default-src 'none'");
    expect(seen).toMatchObject([{ method: 'GET', path: `/api/v1/nodes/vnode/proxy/ui/${file}` }]);
  });

  test.each([
    ['/vnode', 404],
    ['/other/', 404],
    ['/vnode/../../../api/v1/secrets', 404],
    ['/vnode/exec', 404],
    ['/vnode/constructor', 404],
    ['/vnode/events?x=1', 404],
    ['/api/v1/nodes/vnode/proxy/ui/', 404],
    ['//vnode/', 404],
  ])('passes nothing else on: %s', async (path, status) => {
    const { client, seen } = api();
    const { ask } = await proxyTo({ client });
    expect((await ask(path)).statusCode).toBe(status);
    expect(seen).toEqual([]);
  });

  test.each([['evil.example'], ['evil.example:8011'], ['127.0.0.1'], ['localhost.evil.example']])(
    'is for nobody who calls this machine %s',
    async (host) => {
      const { client, seen } = api();
      const { ask } = await proxyTo({ client });
      expect((await ask('/vnode/', { headers: { host } })).statusCode).toBe(421);
      expect(seen).toEqual([]);
    },
  );

  test('is only read', async () => {
    const { client, seen } = api();
    const { ask } = await proxyTo({ client });
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
      expect((await ask('/vnode/', { method })).statusCode, method).toBe(405);
    expect(seen).toEqual([]);
  });

  test('leads from its root to the first node, and shows each', async () => {
    const { ask, proxy, port } = await proxyTo(api(), ['vnode', 'vnode-b']);
    const answer = await ask('/', { headers: { host: `localhost:${port}` } });
    expect([answer.statusCode, answer.headers.location]).toEqual([302, '/vnode/']);
    expect((await ask('/vnode-b/')).statusCode).toBe(200);
    expect(proxy.urlOf('vnode-b')).toBe(`http://127.0.0.1:${port}/vnode-b/`);
  });

  test('tells what it is refused, as text', async () => {
    const { ask } = await proxyTo(api({ status: 403, body: `<b>no</b>${'x'.repeat(10_000)}` }));
    const answer = await ask('/vnode/events');
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([403, 'text/plain; charset=utf-8']);
    expect((await textOf(answer)).length).toBeLessThan(2_100);
  });

  test('streams events as they come, and asks for no more when the browser has left', async () => {
    const { client, open } = api({ body: 'data: 1\n\n' });
    const { ask } = await proxyTo({ client });
    const answer = await ask('/vnode/events');
    expect(String((await once(answer, 'data'))[0])).toBe('data: 1\n\n');
    open[0]?.write('data: 2\n\n');
    expect(String((await once(answer, 'data'))[0])).toBe('data: 2\n\n');
    answer.destroy();
    await expect.poll(() => open[0]?.destroyed).toBe(true);
  });

  test('asks no longer for who has left before there was an answer', async () => {
    const asked = Promise.withResolvers<AbortSignal | undefined>();
    const client = {
      stream({ signal: left }: KubeRequest) {
        asked.resolve(left);
        return new Promise((_, reject) => left?.addEventListener('abort', () => reject(left.reason), { once: true }));
      },
    } as unknown as KubeClient;
    const { port } = await proxyTo({ client });
    const request = httpRequest({ host: '127.0.0.1', port, path: '/vnode/events', agent: false });
    request.on('error', () => undefined).end();
    const left = await asked.promise;
    request.destroy();
    await expect.poll(() => left?.aborted).toBe(true);
  });

  test('ends its streams when it is stopped', async () => {
    const { client, open } = api();
    const { ask, proxy } = await proxyTo({ client });
    const answer = await ask('/vnode/events');
    const closed = new Promise((resolve) => answer.resume().once('close', resolve));
    await proxy.stop();
    await closed;
    await expect.poll(() => open[0]?.destroyed).toBe(true);
  });

  test('says what to do where its port is taken', async () => {
    const { client } = api();
    const { port } = await proxyTo({ client });
    await expect(startPageProxy({ client, nodes: ['vnode'], port: Number(port) })).rejects.toMatchObject({
      code: 'PortInUse',
      message: expect.stringContaining('--port 0 takes any free one'),
    });
  });
});

describe('before a browser is told', () => {
  test.each([
    [
      403,
      'Forbidden',
      'KubeRequestFailed',
      /answered 403 .*: Forbidden; you need to be allowed to get nodes\/proxy of vnode/,
    ],
    [401, 'Unauthorized', 'KubeRequestFailed', /you need to be allowed to get nodes\/proxy of vnode/],
    [
      404,
      '404 page not found',
      'NotFound',
      /node vnode has no page: it is no virtual node, or its provider is of an older/,
    ],
    [503, 'no endpoint', 'KubeRequestFailed', /answered 503 .*: no endpoint; does anybody lead the node\?/],
  ])('an answer of %s says what is missing', async (status, body, code, message) => {
    const asking = requirePage(api({ status, body }).client, 'vnode', signal);
    await expect(asking).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test('the virtual nodes are found by their label; where there are none, it is told what brings one', async () => {
    const { client, seen } = api({ items: ['vnode-b', 'vnode-a'] });
    expect(await virtualNodesIn(client, signal)).toEqual(['vnode-a', 'vnode-b']);
    expect(seen[0]?.query).toEqual({ labelSelector: 'nodeless.io/virtual-node' });
    await expect(virtualNodesIn(api({ items: [] }).client, signal)).rejects.toMatchObject({ code: 'NotFound' });
  });
});
