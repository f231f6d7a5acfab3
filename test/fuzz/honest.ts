import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { http2Wire } from './wire/http2.ts';
import type { World } from './world.ts';

/** What an honest cell has had of the cell API meanwhile. */
export interface HonestFigures {
  readonly requests: number;
  /** Not answered with 200. */
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const INTERVAL_MS = 100;

/** Reads the cell's own pod again and again until it is told to stop by SIGTERM. */
async function probe({ host, port, identity, own }: World, signal: AbortSignal): Promise<HonestFigures> {
  const target = { host, port, ca: identity.caPem, cert: identity.pairPem, key: identity.pairPem };
  const wire = http2Wire(target, async () => undefined);
  const url = `/api/v1/namespaces/${own.namespace}/pods/${own.pod}`;
  const latenciesMs: number[] = [];
  let failed = 0;
  const under: Promise<void>[] = [];
  async function ask(): Promise<void> {
    const startedAtMs = performance.now();
    const reply = await wire.send({ method: 'GET', url, headers: [['accept', 'application/json']], body: undefined });
    latenciesMs.push(performance.now() - startedAtMs);
    if (reply.status !== 200) failed += 1;
  }
  while (!signal.aborted) {
    under.push(ask());
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
