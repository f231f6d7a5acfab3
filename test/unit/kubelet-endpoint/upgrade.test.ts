import { createHash, randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createRig, drain, type Rig } from './support/rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await createRig();
});
afterEach(() => rig.close());

const SPDY = 'Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v5.channel.k8s.io\r\n';
const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n';

function post(path: string, extra = ''): string {
  return `POST ${path} HTTP/1.1\r\nHost: vnode:10250\r\n${SPDY}${extra}Content-Length: 0\r\n\r\n`;
}

async function podOnKubelet(upgrade: (socket: Socket, head: Buffer) => void) {
  const kubelet = await rig.kubelet({ upgrade: (_request, socket, head) => upgrade(socket, head) });
  rig.cellOf.set('ns/pod', { cellId: 'c1', address: '127.0.0.1', port: kubelet.port, podUid: 'uid-1' });
  return kubelet;
}

/** Reads the head of an answer and leaves the rest in the socket. */
async function readHead(socket: TLSSocket): Promise<string> {
  let text = '';
  while (!text.endsWith('\r\n\r\n')) {
    const byte = socket.read(1) as Buffer | null;
    if (byte === null) await new Promise((resolve) => socket.once('readable', resolve));
    else text += byte.toString('latin1');
  }
  return text;
}

const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

describe('upgraded streams', () => {
  test('bytes pass both ways as they are, at the same time, also those sent with the heads', async () => {
    const down = randomBytes(12_000_000);
    const up = randomBytes(9_000_000);
    const kubelet = await podOnKubelet((socket, head) => {
      socket.write(`${SWITCHING}early from the cell\n`);
      socket.end(down);
      void drain(socket).then((rest) => received.resolve(Buffer.concat([head, rest])));
    });
    const received = Promise.withResolvers<Buffer>();
    const socket = await rig.dial();
    socket.write(Buffer.concat([Buffer.from(post('/exec/ns/pod/c?command=cat')), Buffer.from('early'), up]));
    expect(await readHead(socket)).toBe(SWITCHING);
    socket.end();
    const fromCell = await drain(socket);
    expect(fromCell.subarray(0, 20).toString()).toBe('early from the cell\n');
    expect(sha(fromCell.subarray(20))).toBe(sha(down));
    expect(sha(await received.promise)).toBe(sha(Buffer.concat([Buffer.from('early'), up])));
    expect(kubelet.seen[0]?.url).toBe('/exec/ns/pod/c?command=cat');
  });

  test("the caller's half-close reaches the cell, whose last words still reach the caller", async () => {
    await podOnKubelet((socket) => {
      socket.write(SWITCHING);
      void drain(socket).then((said) => setTimeout(() => socket.end(`you said ${said}`), 50));
    });
    const socket = await rig.dial();
    socket.write(post('/exec/ns/pod/c'));
    await readHead(socket);
    socket.end('hello');
    expect((await drain(socket)).toString()).toBe('you said hello');
  });

  test("the cell's half-close reaches the caller, who may go on talking", async () => {
    const received = Promise.withResolvers<Buffer>();
    await podOnKubelet((socket) => {
      socket.end(`${SWITCHING}bye`);
      void drain(socket).then(received.resolve);
    });
    const socket = await rig.dial();
    socket.write(post('/attach/ns/pod/c'));
    await readHead(socket);
    expect((await drain(socket)).toString()).toBe('bye');
    socket.end('still here');
    expect((await received.promise).toString()).toBe('still here');
  });

  test('a caller that vanishes takes the stream to the cell with it, and the other way round', async () => {
    const closed = Promise.withResolvers<void>();
    const sockets: Socket[] = [];
    await podOnKubelet((socket) => {
      socket.on('close', () => closed.resolve()).on('end', () => socket.end());
      socket.resume();
      socket.write(SWITCHING);
      sockets.push(socket);
    });
    const first = await rig.dial();
    first.write(post('/portForward/ns/pod'));
    await readHead(first);
    expect(await rig.registry.getSingleMetricAsString('nodeless_kubelet_endpoint_streams')).toContain('streams 1');
    first.destroy();
    await closed.promise;

    const second = await rig.dial();
    second.write(post('/portForward/ns/pod'));
    await readHead(second);
    const ended = new Promise((resolve) => second.once('end', resolve));
    second.resume();
    sockets[1]?.destroy();
    await ended;
    second.end();
    await expect
      .poll(() => rig.registry.getSingleMetricAsString('nodeless_kubelet_endpoint_streams'))
      .toContain('streams 0');
  });

  test('credentials and claims of the caller never reach the cell; the rest does', async () => {
    const kubelet = await podOnKubelet((socket) => socket.end(SWITCHING));
    const socket = await rig.dial();
    const claims =
      'Authorization: Bearer secret\r\nCookie: a=b\r\nImpersonate-User: root\r\nX-Remote-User: root\r\n' +
      'Sec-WebSocket-Protocol: v5.channel.k8s.io, base64url.bearer.authorization.k8s.io.c2VjcmV0\r\nX-Own: 1\r\n';
    socket.write(post('/exec/ns/pod/c', claims));
    await drain(socket);
    const headers = kubelet.seen[0]?.headers ?? {};
    expect(JSON.stringify(headers)).not.toMatch(/secret|c2VjcmV0|root|a=b/);
    expect(headers).toMatchObject({
      host: `127.0.0.1:${kubelet.port}`,
      upgrade: 'SPDY/3.1',
      'x-stream-protocol-version': 'v5.channel.k8s.io',
      'sec-websocket-protocol': 'v5.channel.k8s.io',
      'x-own': '1',
    });
    expect(kubelet.seen[0]?.user).toBe('nodeless:provider');
  });

  test('a second request smuggled behind a refused upgrade never reaches the cell', async () => {
    const kubelet = await rig.kubelet({
      upgrade: (_request, socket) => {
        socket.write('HTTP/1.1 404 Not Found\r\nContent-Length: 19\r\nX-Why: gone\r\n\r\ncontainer not found');
        socket.resume();
      },
    });
    rig.cellOf.set('ns/pod', { cellId: 'c1', address: '127.0.0.1', port: kubelet.port, podUid: 'uid-1' });
    const socket = await rig.dial();
    socket.write(`${post('/exec/ns/pod/c')}GET /pods HTTP/1.1\r\nHost: x\r\n\r\n`);
    const answer = (await drain(socket)).toString();
    expect(answer).toMatch(/^HTTP\/1.1 404 Not Found\r\n/);
    expect(answer).toContain('X-Why: gone\r\n');
    expect(answer).toMatch(/\r\nConnection: close\r\n\r\ncontainer not found$/);
    expect(kubelet.seen).toHaveLength(1);
  });

  test('a cell that refuses without an end is cut off after 64 KiB, whether or not the caller reads', async () => {
    const cells: Socket[] = [];
    await podOnKubelet((socket) => {
      cells.push(socket.on('error', () => undefined));
      const pour = () => {
        while (socket.write(Buffer.alloc(16_384, 'x')));
      };
      socket.write('HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\n\r\n');
      pour();
      socket.on('drain', pour);
    });
    const reader = await rig.dial();
    reader.write(post('/exec/ns/pod/c'));
    const read = (await drain(reader)).toString();
    expect(read).toMatch(/^HTTP\/1.1 403 /);
    expect(read.length).toBeGreaterThan(64 * 1024);
    expect(read.length).toBeLessThan(256 * 1024);
    const idle = await rig.dial();
    idle.write(post('/exec/ns/pod/c'));
    await expect.poll(() => cells.filter(({ destroyed }) => destroyed).length, { timeout: 4_000 }).toBe(2);
  });

  test('a redirect of a cell is not passed on', async () => {
    const kubelet = await rig.kubelet({
      upgrade: (_request, socket) =>
        socket.end('HTTP/1.1 302 Found\r\nLocation: https://elsewhere/\r\nContent-Length: 0\r\n\r\n'),
    });
    rig.cellOf.set('ns/pod', { cellId: 'c1', address: '127.0.0.1', port: kubelet.port, podUid: 'uid-1' });
    const socket = await rig.dial();
    socket.write(post('/exec/ns/pod/c'));
    const answer = (await drain(socket)).toString();
    expect(answer).toMatch(/^HTTP\/1.1 502 /);
    expect(answer).not.toContain('elsewhere');
  });

  test.each([
    ['another uid', '/exec/ns/pod/uid-2/c', 404],
    ['another pod', '/exec/ns/other/c', 404],
  ])('%s is refused without asking the cell', async (_what, path, status) => {
    const kubelet = await podOnKubelet((socket) => socket.end(SWITCHING));
    const socket = await rig.dial();
    socket.write(post(path));
    expect((await drain(socket)).toString()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(kubelet.seen).toHaveLength(0);
  });

  test('an upgrade of a path with a trick in it is refused', async () => {
    const headers = { connection: 'upgrade', upgrade: 'SPDY/3.1' };
    expect((await rig.get('/exec/ns/..%2f..%2fpods/c', { method: 'POST', headers })).status).toBe(400);
  });

  test('a caller who may not is refused, and an upgrade of anything else is just a request', async () => {
    rig.api.allowed.clear();
    rig.api.allowed.add('admin get metrics');
    const kubelet = await podOnKubelet((socket) => socket.end(SWITCHING));
    const socket = await rig.dial();
    socket.write(post('/exec/ns/pod/c'));
    expect((await drain(socket)).toString()).toContain(
      'Forbidden (user=admin, verb=create, resource=nodes, subresource(s)=[proxy])\n',
    );
    expect(kubelet.seen).toHaveLength(0);
    const metrics = await rig.get('/metrics', { headers: { connection: 'upgrade', upgrade: 'h2c' } });
    expect(metrics.status).toBe(200);
  });

  test('a cell that is not there is told as such', async () => {
    rig.cellOf.set('ns/pod', { cellId: 'c1', address: '127.0.0.1', port: 1, podUid: 'uid-1' });
    const socket = await rig.dial();
    socket.write(post('/exec/ns/pod/c'));
    expect((await drain(socket)).toString()).toMatch(/^HTTP\/1.1 502 [\s\S]*the cell of this pod does not answer/);
  });

  test('stop ends streams that go on after the grace', async () => {
    await podOnKubelet((socket) => {
      socket.write(SWITCHING);
      socket.resume();
    });
    const socket = await rig.dial();
    socket.write(post('/exec/ns/pod/c'));
    await readHead(socket);
    const ended = new Promise((resolve) => socket.once('end', resolve));
    socket.resume();
    await rig.endpoint.stop();
    await ended;
  });
});
