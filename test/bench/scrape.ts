import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request as httpsRequest } from 'node:https';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import type { PodIdentity } from '../../src/kubelet-endpoint/ports.ts';
import { newAuthority, type Pair } from '../unit/kubelet-endpoint/support/authority.ts';
import type { BenchContext, Benchmark, BenchResult, Figure } from './benchmark.ts';
import { cpuSeconds, meter, residentMiB } from './process-meter.ts';
import type { ServeOrder } from './scrape-cells.ts';
import type { EndpointOrder } from './scrape-endpoint.ts';

const CELLS = 1_000;
const ROUNDS = 5;
const PATHS = ['/metrics', '/metrics/resource', '/metrics/cadvisor', '/stats/summary'];
const CELL_PATHS = PATHS.slice(1);
const REPLY_TIMEOUT_MS = 60_000;
/** What a scraper waits, and what it should have to read. */
const SECONDS = 10;
const KIB_PER_CELL = 30;
/** The provider's own series are asked for every few seconds, and asked of no cell. */
const OWN = { path: '/metrics', seconds: 0.5, megabytes: 2 };

/** Starts a program of this folder, tells it what to do, and resolves with it and its answer. */
async function start<T>(
  program: string,
  order: object,
  signal: AbortSignal,
): Promise<{ child: ChildProcess; reply: T }> {
  const child = fork(fileURLToPath(new URL(program, import.meta.url)));
  child.send(order);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(REPLY_TIMEOUT_MS)]);
  const ended = once(child, 'exit', { signal: limit }).then(([code]) => {
    throw new Error(`${program} ended with ${code}`);
  });
  const [reply] = (await Promise.race([once(child, 'message', { signal: limit }), ended])) as [T];
  return { child, reply };
}

/** Names as long as a Deployment's pods have them. */
function podAt(index: number): PodIdentity {
  return { namespace: 'default', name: `web-74759847f4-${String(index).padStart(5, '0')}`, uid: randomUUID() };
}

interface Answer {
  readonly seconds: number;
  readonly text: string;
  readonly wireBytes: number;
}

/** Reads a page as the API server or a Prometheus does, over a connection of its own. */
async function get(port: number, path: string, admin: Pair, signal: AbortSignal): Promise<Answer> {
  const startedMs = performance.now();
  const wire = await new Promise<Buffer>((resolve, reject) => {
    const headers = { 'accept-encoding': 'gzip' };
    const options = {
      host: '127.0.0.1',
      port,
      path,
      headers,
      ...admin,
      rejectUnauthorized: false,
      agent: false,
      signal,
    };
    const request = httpsRequest(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).once('error', reject);
      response.once('end', () => {
        if (response.statusCode === 200) resolve(Buffer.concat(chunks));
        else reject(new Error(`${path} was answered with ${response.statusCode}`));
      });
    });
    request.once('error', reject).end();
  });
  const seconds = (performance.now() - startedMs) / 1000;
  const zipped = wire[0] === 0x1f && wire[1] === 0x8b;
  return { seconds, text: (zipped ? gunzipSync(wire) : wire).toString(), wireBytes: wire.length };
}

/** Of how many pods a page tells. */
function podsIn(text: string, pods: readonly PodIdentity[]): number {
  const told = new Set(text.match(/web-74759847f4-\d{5}/g));
  return pods.filter(({ name }) => told.has(name)).length;
}

interface Measured {
  readonly path: string;
  readonly seconds: number[];
  readonly cpuSeconds: number[];
  /** Cells that a page should tell of and does not: their turn came too late. */
  readonly missing: number[];
  textKibPerCell: number;
  wireKibPerCell: number;
}

/** Each path in turn, several times. */
async function scrapes(port: number, pid: number, admin: Pair, pods: readonly PodIdentity[], signal: AbortSignal) {
  const measured = PATHS.map(
    (path): Measured => ({ path, seconds: [], cpuSeconds: [], missing: [], textKibPerCell: 0, wireKibPerCell: 0 }),
  );
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const entry of measured) {
      const before = await cpuSeconds(pid);
      const { seconds, text, wireBytes } = await get(port, entry.path, admin, signal);
      entry.seconds.push(seconds);
      entry.cpuSeconds.push((await cpuSeconds(pid)) - before);
      entry.textKibPerCell = Buffer.byteLength(text) / 1024 / CELLS;
      entry.wireKibPerCell = wireBytes / 1024 / CELLS;
      if (CELL_PATHS.includes(entry.path)) entry.missing.push(CELLS - podsIn(text, pods));
    }
  }
  return measured;
}

async function run({ signal, progress }: BenchContext): Promise<BenchResult> {
  const own = await newAuthority('nodeless');
  const clients = await newAuthority('cluster');
  const admin = await clients.issue({ cn: 'admin', o: ['system:masters'] });
  const kubelet = await own.issue({ cn: 'system:node:nodeless', ip: '127.0.0.1' });
  const pods = Array.from({ length: CELLS }, (_, index) => podAt(index));
  const children: ChildProcess[] = [];
  try {
    const serve: ServeOrder = { tls: { ...kubelet, ca: own.pem }, pods };
    const cells = await start<number[]>('scrape-cells.ts', serve, signal);
    children.push(cells.child);
    const running = cells.reply.map((port, index) => {
      const pod = pods[index];
      return { cellId: `cell-${index}`, address: '127.0.0.1', port, pods: pod === undefined ? [] : [pod] };
    });
    const upstream = { ...(await own.issue({ cn: 'nodeless:provider' })), ca: own.pem };
    const order: EndpointOrder = { running, upstream, clientCaPem: clients.pem };
    const endpoint = await start<number>('scrape-endpoint.ts', order, signal);
    children.push(endpoint.child);
    const pid = endpoint.child.pid ?? 0;
    progress({ step: 'scrape', detail: `${CELLS} cells listen` });
    const before = await residentMiB(pid);
    const used = await meter(pid);
    const measured = await scrapes(endpoint.reply, pid, admin, pods, signal);
    const { peakMiB } = await used();
    return { figures: figuresOf(measured, ((peakMiB - before) * 1024) / CELLS), remarks: REMARKS };
  } finally {
    for (const child of children) child.disconnect();
  }
}

function figuresOf(measured: readonly Measured[], peakKibPerCell: number): readonly Figure[] {
  const unit = 'KiB/cell';
  return [
    ...measured.flatMap(({ path: subject, seconds, cpuSeconds, missing, textKibPerCell, wireKibPerCell }): Figure[] => [
      {
        name: 'whole answer',
        subject,
        unit: 's',
        values: seconds,
        aim: { atMost: subject === OWN.path ? OWN.seconds : SECONDS, by: 'max' },
      },
      ...(missing.length === 0
        ? []
        : [{ name: 'cells left out', subject, unit: '', values: missing, aim: { atMost: 0, by: 'max' } } as const]),
      { name: 'CPU of the endpoint', subject, unit: 's', values: cpuSeconds },
      { name: 'answer on the wire', subject, unit, values: [wireKibPerCell], aim: { atMost: KIB_PER_CELL } },
      { name: 'answer as text', subject, unit, values: [textKibPerCell] },
      ...(subject === OWN.path
        ? [
            {
              name: 'answer in all',
              subject,
              unit: 'MB',
              values: [(textKibPerCell * CELLS * 1_024) / 1e6],
              aim: { atMost: OWN.megabytes },
            } as const,
          ]
        : []),
    ]),
    { name: 'peak memory added', subject: 'endpoint', unit, values: [peakKibPerCell] },
  ];
}

const REMARKS = [
  'The endpoint runs by itself; the cells’ kubelets are one other process with 1,000 HTTPS ports, which serves the pages that a stock kubelet of a cell with one pod gave.',
  '/metrics is what the provider itself has to tell of 1,000 cells of 60 types in 50 namespaces, with a series for each (metrics.perCell).',
  'The first value of /metrics/resource holds the 1,000 TLS handshakes; connections are kept for the next scrape.',
];

/** The kubelet endpoint's expositions over many cells. */
export const scrape: Benchmark = {
  name: 'scrape',
  title: `Scrapes of the kubelet endpoint with ${CELLS} cells behind it.`,
  run,
};
