import { connect, createServer, type Socket } from 'node:net';
import { parseArgs } from 'node:util';
import { Agent, request } from 'undici';

/**
 * A load balancer for the cell API of several replicas, as a cloud's network load balancer is one: it passes TCP to the
 * one replica whose /readyz answers, and ends the connections of one that no longer does; after SIGUSR1 it leaves these
 * open until SIGUSR2, as many a balancer does.
 * Run inside the cluster's namespace: `node balancer.ts --listen HOST:PORT --target HOST:PORT --target HOST:PORT`.
 */
const CHECK_EVERY_MS = 500;
const CHECK_TIMEOUT_MS = 1_000;
const FAILURES_TO_LEAVE = 2;

interface Target {
  readonly host: string;
  readonly port: number;
  failures: number;
  readonly sockets: Set<Socket>;
}

function targetOf(text: string): Target {
  const [host = '', port = ''] = text.split(':');
  return { host, port: Number(port), failures: FAILURES_TO_LEAVE, sockets: new Set() };
}

const { values } = parseArgs({
  options: { listen: { type: 'string', default: '' }, target: { type: 'string', multiple: true, default: [] } },
});
const targets = values.target.map(targetOf);
let cuts = true;
process.on('SIGUSR1', () => {
  cuts = false;
});
process.on('SIGUSR2', () => {
  cuts = true;
});
const [host = '', port = ''] = values.listen.split(':');
/** Targets see everybody at its own address; without a choice the kernel would take the target's, on the same machine. */
const localAddress = host;
const agent = new Agent({
  connect: { rejectUnauthorized: false, timeout: CHECK_TIMEOUT_MS },
  localAddress,
  pipelining: 0,
});

async function check(target: Target): Promise<void> {
  const signal = AbortSignal.timeout(CHECK_TIMEOUT_MS);
  try {
    const { statusCode, body } = await request(`https://${target.host}:${target.port}/readyz`, {
      dispatcher: agent,
      signal,
    });
    await body.dump();
    target.failures = statusCode === 200 ? 0 : target.failures + 1;
  } catch {
    target.failures += 1;
  }
  if (cuts && target.failures >= FAILURES_TO_LEAVE) for (const socket of target.sockets) socket.destroy();
  setTimeout(() => void check(target), CHECK_EVERY_MS);
}

function pass(client: Socket): void {
  const target = targets.find(({ failures }) => failures < FAILURES_TO_LEAVE);
  client.on('error', () => client.destroy());
  if (target === undefined) {
    client.destroy();
    return;
  }
  const server = connect({ port: target.port, host: target.host, localAddress });
  target.sockets.add(client);
  server.on('error', () => client.destroy());
  server.on('close', () => client.destroy());
  client.on('close', () => {
    target.sockets.delete(client);
    server.destroy();
  });
  client.pipe(server).pipe(client);
}

for (const target of targets) void check(target);
createServer(pass).listen(Number(port), host);
