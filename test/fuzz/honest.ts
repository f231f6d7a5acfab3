import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { http2Wire } from './wire/http2.ts';
import type { WireRequest } from './wire/reply.ts';
import type { World } from './world.ts';

/** What an honest cell has had of the cell API meanwhile. */
export interface HonestFigures {
  readonly requests: number;
  /** Not answered with 200 or 201. */
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const INTERVAL_MS = 100;
const TURNS_PER_WRITE = 10;
const JSON_TYPE = 'application/json';
const STRATEGIC_MERGE_TYPE = 'application/strategic-merge-patch+json';

/** Reads the cell's own pod again and again, writes its status and asks for tokens, until it is told to stop by SIGTERM. */
async function probe({ host, port, identity, own }: World, signal: AbortSignal): Promise<HonestFigures> {
  const target = { host, port, ca: identity.caPem, cert: identity.pairPem, key: identity.pairPem };
  const wire = http2Wire(target, async () => undefined);
  const namespace = `/api/v1/namespaces/${own.namespace}`;
  const url = `${namespace}/pods/${own.pod}`;
  const latenciesMs: number[] = [];
  let failed = 0;
  const under: Promise<void>[] = [];
  async function ask(
    request: Pick<WireRequest, 'method' | 'url'>,
    contentType = JSON_TYPE,
    body?: object,
  ): Promise<void> {
    const startedAtMs = performance.now();
    const headers = [
      ['accept', JSON_TYPE],
      ...(body === undefined ? [] : [['content-type', contentType] as const]),
    ] as const;
    const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const reply = await wire.send({ ...request, headers, body: bytes });
    latenciesMs.push(performance.now() - startedAtMs);
    if (reply.status !== 200 && reply.status !== 201) failed += 1;
  }
  const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: own.pod, uid: own.podUid };
  const tokenUrl = `${namespace}/serviceaccounts/${own.serviceAccount}/token`;
  const tokenRequest = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { boundObjectRef } };
  for (let turn = 0; !signal.aborted; turn += 1) {
    under.push(ask({ method: 'GET', url }));
    if (turn % TURNS_PER_WRITE === 0) {
      const body = { metadata: { uid: own.podUid }, status: { message: `turn ${turn}` } };
      under.push(ask({ method: 'PATCH', url: `${url}/status` }, STRATEGIC_MERGE_TYPE, body));
      under.push(ask({ method: 'POST', url: tokenUrl }, JSON_TYPE, tokenRequest));
    }
    await delay(INTERVAL_MS);
  }
  await Promise.all(under);
  wire.close();
  const sorted = latenciesMs.sort((a, b) => a - b);
  const at = (share: number) =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 10) / 10;
  return { requests: sorted.length, failed, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

const stopped = new AbortController();
process.on('SIGTERM', () => stopped.abort());
const world = JSON.parse(await text(process.stdin)) as World;
process.stdout.write(JSON.stringify(await probe(world, stopped.signal)));
process.exit(0);
