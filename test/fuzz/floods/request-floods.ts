import { setTimeout as delay } from 'node:timers/promises';
import { FLAG, FRAME, frame, INITIAL_WINDOW_SIZE, RawHttp2, requestBlock, settings } from '../wire/frames.ts';
import { http2Wire } from '../wire/http2.ts';
import type { WireTarget } from '../wire/reply.ts';
import type { Inhabitant } from '../world.ts';
import type { Flood, FloodGround } from './flood.ts';

const JSON_TYPE = [['content-type', 'application/json']] as const;
const { endHeaders, endStream } = FLAG;
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
const now = async (): Promise<void> => undefined;

function statusCounts(): { add(status: number): void; counts: Record<string, number> } {
  const counts: Record<string, number> = {};
  return { counts, add: (status) => (counts[status] = (counts[status] ?? 0) + 1) };
}

interface Burst {
  readonly count: number;
  readonly inFlight: number;
  readonly request: (index: number) => {
    readonly method: string;
    readonly url: string;
    readonly body?: Buffer;
    readonly contentType?: string;
  };
}

/** Sends requests as fast as they are answered. */
async function burst({ target, inspect }: FloodGround, { count, inFlight, request }: Burst) {
  const { add, counts } = statusCounts();
  const wire = http2Wire(target, now);
  const startedAtMs = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (next < count) {
        const { method, url, body, contentType = 'application/json' } = request(next++);
        const reply = await wire.send({ method, url, headers: [['content-type', contentType]], body });
        if (reply.status === 0) await delay(20);
        add(reply.status);
        inspect(Buffer.from(reply.text, 'latin1'));
      }
    }),
  );
  wire.close();
  return { sent: count, byStatus: counts, tookMs: performance.now() - startedAtMs };
}

/** A large object that the cell API keeps for the cell: what slow readers ask for. */
async function writeLargeLease(target: WireTarget, virtualNode: string): Promise<void> {
  const wire = http2Wire(target, now);
  const body = Buffer.from(
    JSON.stringify({
      metadata: { name: virtualNode, namespace: 'kube-node-lease' },
      spec: { holderIdentity: 'x'.repeat(250_000) },
    }),
  );
  await wire.send({ method: 'PUT', url: `${LEASES}/${virtualNode}`, headers: JSON_TYPE, body });
  wire.close();
}

/** Asks for much on many connections and reads none of it, for a while. */
async function unread({ target }: FloodGround, path: string, connections: number): Promise<number> {
  const raws: RawHttp2[] = [];
  let sent = 0;
  for (let i = 0; i < connections; i += 1) {
    const raw = await RawHttp2.open(target, { first: settings({ [INITIAL_WINDOW_SIZE]: 0 }) });
    raws.push(raw);
    for (let stream = 1; stream < 400 && raw.open; stream += 2) {
      await raw.write(frame(FRAME.headers, endHeaders | endStream, stream, requestBlock('GET', path)));
      sent += 1;
    }
  }
  await delay(3_000);
  for (const raw of raws) raw.close();
  return sent;
}

const large = Buffer.from(`{"status":{"images":[${'0,'.repeat(900_000)}0]}}`);
const tooLarge = Buffer.alloc(3 * 1024 * 1024, 'x');

/** What was done beyond a rate: the burst, however slow the machine is. */
function beyond({ byStatus, tookMs }: Awaited<ReturnType<typeof burst>>, perSecond: number): number {
  return Math.max(0, Math.round((byStatus[200] ?? 0) - (perSecond * tookMs) / 1_000));
}

/** Large, and then small parts of it, as each makes a version of all of it; large again, for the pod's own kubelet may have mended it. */
function statusOf(uid: string, index: number): Buffer {
  const status = index % 10 === 0 ? { message: 'x'.repeat(200_000) } : { reason: `Fuzz${index}` };
  return Buffer.from(JSON.stringify({ metadata: { uid }, status }));
}

function largeEvent({ namespace, pod: name, podUid: uid }: Inhabitant, index: number): Buffer {
  const involvedObject = { kind: 'Pod', namespace, name, uid };
  const metadata = { namespace, name: `large-${index}` };
  return Buffer.from(JSON.stringify({ metadata, involvedObject, reason: 'Fuzz', message: 'x'.repeat(900_000) }));
}

/** Abuse by requests that are well-formed each; what is cut for its bytes leaves the next no burst of them, and comes last. */
export const REQUEST_FLOODS: Readonly<Record<string, Flood>> = {
  'as many requests as fit': (ground) =>
    burst(ground, { count: 8_000, inFlight: 200, request: () => ({ method: 'GET', url: '/api/v1/secrets' }) }),
  'writes to its own pod': async (ground) => {
    const { namespace, pod, podUid } = ground.world.own;
    const result = await burst(ground, {
      count: 300,
      inFlight: 8,
      request: (index) => ({
        method: 'PATCH',
        url: `/api/v1/namespaces/${namespace}/pods/${pod}/status`,
        contentType: 'application/strategic-merge-patch+json',
        body: statusOf(podUid, index),
      }),
    });
    return { ...result, held: beyond(result, 10) };
  },
  'lists of collections': async (ground) => {
    const selector = Array.from({ length: 10 }, (_, index) => `k${index}!=${'v'.repeat(60)}`).join();
    const result = await burst(ground, {
      count: 800,
      inFlight: 50,
      request: () => ({ method: 'GET', url: `/api/v1/services?labelSelector=${encodeURIComponent(selector)}` }),
    });
    return { ...result, held: beyond(result, 5) };
  },
  'selectors of commas': (ground) =>
    burst(ground, {
      count: 200,
      inFlight: 20,
      request: (index) => ({
        method: 'GET',
        url: `/api/v1/services?labelSelector=${(index % 2 === 0 ? ',' : 'a,').repeat(7_000)}`,
      }),
    }),
  'answers unread': async (ground) => {
    await writeLargeLease(ground.target, ground.world.virtualNode);
    return { sent: await unread(ground, `${LEASES}/${ground.world.virtualNode}`, 6) };
  },
  'watches unread': async (ground) => {
    await writeLargeLease(ground.target, ground.world.virtualNode);
    const path = `${LEASES}?watch=1&fieldSelector=metadata.name%3D${ground.world.virtualNode}`;
    return { sent: await unread(ground, path, 6) };
  },
  'reads of large answers': async (ground) => {
    const url = `${LEASES}/${ground.world.virtualNode}`;
    await writeLargeLease(ground.target, ground.world.virtualNode);
    return burst(ground, { count: 2_000, inFlight: 50, request: () => ({ method: 'GET', url }) });
  },
  'slow bodies': async ({ target }) => {
    const raws = await Promise.all(Array.from({ length: 3 }, () => RawHttp2.open(target)));
    const block = requestBlock('POST', '/api/v1/nodes', JSON_TYPE);
    for (const raw of raws) {
      for (let stream = 1; stream < 400; stream += 2) await raw.write(frame(FRAME.headers, endHeaders, stream, block));
    }
    for (let i = 0; i < 20; i += 1) {
      for (const raw of raws)
        for (let stream = 1; stream < 400; stream += 2) await raw.write(frame(FRAME.data, 0, stream, Buffer.from('x')));
      await delay(50);
    }
    for (const raw of raws) raw.close();
    return { sent: 600 };
  },
  'large bodies': (ground) =>
    burst(ground, {
      count: 20,
      inFlight: 4,
      request: () => ({ method: 'PUT', url: `/api/v1/nodes/${ground.world.virtualNode}/status`, body: large }),
    }),
  'large events': async (ground) => {
    const result = await burst(ground, {
      count: 400,
      inFlight: 20,
      request: (index) => ({
        method: 'POST',
        url: `/api/v1/namespaces/${ground.world.own.namespace}/events`,
        body: largeEvent(ground.world.own, index),
      }),
    });
    return { ...result, held: result.byStatus[201] ?? 0 };
  },
  'bodies over the limit': (ground) =>
    burst(ground, {
      count: 10,
      inFlight: 10,
      request: () => ({ method: 'POST', url: '/api/v1/nodes', body: tooLarge }),
    }),
};
