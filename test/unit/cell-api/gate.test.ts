import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Gate } from '../../../src/cell-api/http/gate.ts';
import type { DenialReason } from '../../../src/cell-api/http/refusal.ts';

const TOO_MUCH = Buffer.alloc(17 * 1024 * 1024);
let server: Server;
let gate: Gate;
let denied: DenialReason[];
let inside: Socket[];
let clients: Socket[];

beforeEach(async () => {
  [denied, inside, clients] = [[], [], []];
  gate = new Gate({ now: () => 0, onDenied: (reason) => denied.push(reason) });
  server = createServer((socket) => {
    inside.push(socket);
    socket.on('error', () => undefined).resume();
  });
  gate.guard(server);
  await once(server.listen(0, '0.0.0.0'), 'listening');
});
afterEach(async () => {
  for (const socket of [...clients, ...inside]) socket.destroy();
  server.close();
  await once(server, 'close');
});

interface Ends {
  readonly from: string;
  readonly fromPort?: number;
  readonly to?: string;
}

/** A connection, and the server's end of it where it was let in. */
async function enter({ from, fromPort = 0, to = '127.0.0.1' }: Ends): Promise<{ client: Socket; end?: Socket }> {
  const { port } = server.address() as AddressInfo;
  const before = [inside.length, denied.length].join();
  const client = connect({ host: to, port, localAddress: from, localPort: fromPort });
  client.on('error', () => undefined).resume();
  clients.push(client);
  await expect.poll(() => [inside.length, denied.length].join(), { interval: 1 }).not.toBe(before);
  const end = inside.find(({ remotePort, localAddress }) => remotePort === client.localPort && localAddress === to);
  return end === undefined ? { client } : { client, end };
}

const isIn = async (ends: Ends) => (await enter(ends)).end !== undefined;

test('what came over a connection that closed between two ticks is held against its address', async () => {
  const { client, end } = await enter({ from: '127.0.0.2' });
  client.end(TOO_MUCH);
  await once(end as Socket, 'close');
  expect(await isIn({ from: '127.0.0.2' })).toBe(false);
  expect(denied).toEqual(['receive-rate']);
  expect(await isIn({ from: '127.0.0.3' })).toBe(true);
});

test('a cell behind an address is not cut for what others there have sent', async () => {
  const honest = await enter({ from: '127.0.0.2' });
  expect(gate.prove(honest.end as TLSSocket, 'honest')).toBeUndefined();
  const hostile = await enter({ from: '127.0.0.2' });
  hostile.client.write(TOO_MUCH);
  await expect.poll(() => hostile.end?.bytesRead).toBe(TOO_MUCH.length);
  for (const bytes of [1, 2]) {
    honest.client.write('x');
    await expect.poll(() => honest.end?.bytesRead).toBe(bytes);
    gate.tick();
  }
  expect([hostile.end?.destroyed, honest.end?.destroyed]).toEqual([true, false]);
});

test('two connections that differ only in the address that they come to are counted apart', async () => {
  const first = await enter({ from: '127.0.0.2' });
  const fromPort = first.client.localPort as number;
  const second = await enter({ from: '127.0.0.2', fromPort, to: '127.0.0.3' });
  first.client.destroy();
  await once(first.end as Socket, 'close');
  second.client.write(TOO_MUCH);
  await expect.poll(() => second.end?.bytesRead).toBe(TOO_MUCH.length);
  gate.tick();
  expect(denied).toEqual(['receive-rate']);
});

test('who comes from the server’s own address is limited as anybody; who comes by the loopback address is not', async () => {
  for (let i = 0; i < 130; i += 1) await enter({ from: '127.0.0.2', to: '127.0.0.2' });
  expect([inside.length, denied]).toEqual([128, ['connection-limit', 'connection-limit']]);
  for (let i = 0; i < 130; i += 1) await enter({ from: '127.0.0.1' });
  expect([inside.length, denied.length]).toEqual([128 + 130, 2]);
});
