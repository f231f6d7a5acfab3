import { text } from 'node:stream/consumers';
import { type FuzzRequest, requestOf } from './grammar/request.ts';
import { faultsOf } from './judge.ts';
import { paced } from './pace.ts';
import { randomOf, seedOf } from './random.ts';
import { Tally } from './tally.ts';
import { http1Wire, rawWire } from './wire/http1.ts';
import { http2Wire } from './wire/http2.ts';
import type { Wire } from './wire/reply.ts';
import type { World } from './world.ts';

/** What an attacker's process reads on its standard input. */
export interface AttackOrder {
  readonly world: World;
  readonly seed: number;
  /** Indexes of requests, from `first` in steps of `step`, below `end`. */
  readonly first: number;
  readonly step: number;
  readonly end: number;
  readonly deadlineMs: number;
}

/** Just below what a cell is allowed, so that requests are answered for what they ask. */
const REQUESTS_PER_SECOND = 190;
const CONNECTIONS_PER_SECOND = 15;
const IN_FLIGHT = { http2: 24, http1: 8, raw: 4 } as const;

/** The request that is smuggled behind others: for a victim's Secret. */
function smuggled({ victims }: World) {
  const [victim] = victims;
  const url = `/api/v1/namespaces/${victim?.namespace}/secrets/${victim?.secret}`;
  return { method: 'GET', url, headers: [['accept', 'application/json']] as const, body: undefined };
}

function wiresOf(world: World): Record<FuzzRequest['transport'], readonly Wire[]> {
  const { host, port, identity } = world;
  const target = { host, port, ca: identity.caPem, cert: identity.pairPem, key: identity.pairPem };
  const mayConnect = paced(CONNECTIONS_PER_SECOND);
  const h2 = [http2Wire(target, mayConnect), http2Wire(target, mayConnect)];
  return {
    http2: Array.from({ length: IN_FLIGHT.http2 }, (_, i) => h2[i % h2.length] as Wire),
    http1: Array.from({ length: IN_FLIGHT.http1 }, () => http1Wire(target, mayConnect)),
    raw: Array.from({ length: IN_FLIGHT.raw }, () => rawWire(target, mayConnect, () => smuggled(world))),
  };
}

async function attack(order: AttackOrder): Promise<Tally> {
  const { world, seed, step, end, deadlineMs } = order;
  const tally = new Tally();
  const turn = paced(REQUESTS_PER_SECOND);
  const wires = wiresOf(world);
  const queues: Record<FuzzRequest['transport'], { index: number; request: FuzzRequest }[]> = {
    http2: [],
    http1: [],
    raw: [],
  };
  let next = order.first;

  /** The next request of this transport; those of others wait for theirs. */
  function take(transport: FuzzRequest['transport']): { index: number; request: FuzzRequest } | undefined {
    const waiting = queues[transport].shift();
    if (waiting !== undefined) return waiting;
    while (next < end) {
      const index = next;
      next += step;
      const request = requestOf(randomOf(seedOf(seed, index)), world);
      if (request.transport === transport) return { index, request };
      queues[request.transport].push({ index, request });
    }
    return undefined;
  }

  async function work(transport: FuzzRequest['transport'], wire: Wire): Promise<void> {
    for (let one = take(transport); one !== undefined && Date.now() < deadlineMs; one = take(transport)) {
      await turn();
      const reply = await wire.send(one.request);
      tally.count(one.request, reply, one.index, faultsOf(one.request, reply, world.forbidden));
    }
    wire.close();
  }

  await Promise.all(
    (['http2', 'http1', 'raw'] as const).flatMap((transport) => wires[transport].map((wire) => work(transport, wire))),
  );
  return tally;
}

const order = JSON.parse(await text(process.stdin)) as AttackOrder;
const tally = await attack(order);
process.stdout.write(JSON.stringify(tally.figures()));
process.exit(0);
