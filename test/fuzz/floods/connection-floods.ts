import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { openTls } from '../wire/http1.ts';
import { CONNECT_TIMEOUT_MS, type WireTarget } from '../wire/reply.ts';
import type { Flood } from './flood.ts';

async function openPlain({ host, port }: WireTarget): Promise<Socket> {
  const socket = connect({ host, port });
  socket.on('error', () => undefined);
  const late = setTimeout(() => socket.destroy(), CONNECT_TIMEOUT_MS);
  await Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => undefined);
  clearTimeout(late);
  // Without a reader the other side's end is never seen.
  socket.resume();
  return socket;
}

const alive = (sockets: readonly Socket[]): number =>
  sockets.filter((socket) => !socket.destroyed && socket.readable).length;

/** How many the server leaves open: looked at until it has closed none for a while, and sooner than it ends handshakes. */
async function leftOpen(sockets: readonly Socket[]): Promise<number> {
  let held = alive(sockets);
  for (let looks = 0, unchanged = 0; looks < 40 && unchanged < 10; looks += 1) {
    await delay(100);
    const now = alive(sockets);
    unchanged = now === held ? unchanged + 1 : 0;
    held = now;
  }
  return held;
}

/** Opens many and keeps them; how many the server leaves open. */
async function hoard(count: number, open: () => Promise<Socket>): Promise<{ sent: number; held: number }> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    sockets.push(...(await Promise.all(Array.from({ length: 20 }, open))));
    for (const socket of sockets) socket.resume();
  }
  const held = await leftOpen(sockets);
  for (const socket of sockets) socket.destroy();
  return { sent: sockets.length, held };
}

/** Abuse of connections, whatever is spoken over them. */
export const CONNECTION_FLOODS: Readonly<Record<string, Flood>> = {
  'idle connections with the certificate': ({ target }) => hoard(100, () => openTls(target, 'http/1.1')),
  'idle HTTP/2 connections': ({ target }) => hoard(60, () => openTls(target, 'h2')),
  'half-open handshakes': ({ target }) => hoard(400, () => openPlain(target)),
  'bytes instead of a handshake': async ({ target }) => {
    const count = 40;
    for (let i = 0; i < count; i += 1) {
      const socket = await openPlain(target);
      socket.write(
        i % 2 === 0 ? randomBytes(5_000) : Buffer.concat([Buffer.from([22, 3, 1, 2, 0, 1]), randomBytes(600)]),
      );
      await delay(5);
      socket.destroy();
    }
    return { sent: count };
  },
  'bytes instead of requests': async ({ target, inspect }) => {
    const count = 30;
    for (let i = 0; i < count; i += 1) {
      const socket = await openTls(target, i % 2 === 0 ? 'http/1.1' : 'h2');
      socket.on('data', inspect);
      socket.write(randomBytes(20_000));
      await delay(30);
      socket.destroy();
    }
    return { sent: count };
  },
  'slow headers': async ({ target }) => {
    const sockets = await Promise.all(Array.from({ length: 20 }, () => openTls(target, 'http/1.1')));
    for (const socket of sockets) socket.write('GET /api/v1/pods HTTP/1.1\r\n');
    for (let i = 0; i < 20; i += 1) {
      for (const socket of sockets) if (socket.writable) socket.write(`x-${i}: y\r\n`);
      await delay(100);
    }
    const held = alive(sockets);
    for (const socket of sockets) socket.destroy();
    return { sent: sockets.length, held };
  },
  'bytes without an end': async ({ target }) => {
    const socket = await openTls(target, 'http/1.1');
    socket.write('POST /api/v1/nodes HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n');
    const chunk = Buffer.concat([Buffer.from('40000\r\n'), Buffer.alloc(0x40000, 'x'), Buffer.from('\r\n')]);
    let sent = 0;
    for (; sent < 1_000 && socket.writable; sent += 1) {
      if (socket.write(chunk)) continue;
      await delay(10);
    }
    const ended = !socket.writable;
    socket.destroy();
    return { sent, ended };
  },
  'connections one after another': async ({ target }) => {
    const count = 1_500;
    for (let i = 0; i < count; i += 50) {
      const sockets = await Promise.all(Array.from({ length: 50 }, () => openPlain(target)));
      for (const socket of sockets) socket.destroy();
    }
    return { sent: count };
  },
  'handshakes one after another': async ({ target }) => {
    const count = 100;
    for (let i = 0; i < count; i += 20) {
      const sockets = await Promise.all(Array.from({ length: 20 }, () => openTls(target, 'http/1.1')));
      for (const socket of sockets) socket.destroy();
    }
    return { sent: count };
  },
};
