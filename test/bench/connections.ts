import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { bundleOf } from '../../webhooks/certificates/certificate-set.ts';
import { perform } from '../../webhooks/certificates/perform.ts';
import type { BenchContext, Benchmark, BenchResult } from './benchmark.ts';
import { LONG_BYTES, PATHS } from './connections-program.ts';

const PROGRAM = fileURLToPath(new URL('connections-program.ts', import.meta.url));
const ROUNDS = 3;
const CONNECTIONS = 300;
/** As many watches as a kubelet has. */
const OPEN_ANSWERS = 8;
const ANSWER_TIMEOUT_MS = 30_000;
const SETTLE_MS = 500;
const STEPS = ['idle', 'with answers open', 'after a long answer'] as const;

async function asked(session: ClientHttp2Session, path: string, signal: AbortSignal): Promise<void> {
  const stream = session.request(
    { ':path': path },
    { signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]) },
  );
  // What stays open is not to end the process with its connection.
  stream.on('error', () => undefined);
  const done = once(stream, path === PATHS.open ? 'data' : 'end', { signal });
  if (path !== PATHS.open) stream.resume();
  await done;
}

async function residentKiB(child: ChildProcess, signal: AbortSignal): Promise<number> {
  await delay(SETTLE_MS, undefined, { signal });
  child.send('memory');
  const [bytes] = (await once(child, 'message', { signal })) as [number];
  return bytes / 1024;
}

/** KiB for each connection, more than before it, step by step. */
async function round({ signal }: BenchContext): Promise<readonly number[]> {
  const set = await perform({ do: 'begin' }, undefined, ['127.0.0.1'], Date.now());
  if (set?.serving === undefined) throw new Error('no certificate');
  const child = fork(PROGRAM, { execArgv: ['--expose-gc'] });
  const sessions: ClientHttp2Session[] = [];
  try {
    child.send({ cert: set.serving.certPem, key: set.serving.keyPem });
    const [port] = (await once(child, 'message', { signal })) as [number];
    const open = () => connect(`https://127.0.0.1:${port}`, { ca: bundleOf(set) }).on('error', () => undefined);
    const first = open();
    for (const path of Object.values(PATHS)) await asked(first, path, signal);
    first.destroy();
    const before = await residentKiB(child, signal);
    const used: number[] = [];
    for (const step of STEPS) {
      if (step === 'idle') for (let i = 0; i < CONNECTIONS; i += 1) sessions.push(open());
      for (const session of sessions) {
        if (step === 'idle') await asked(session, PATHS.nothing, signal);
        if (step === 'after a long answer') await asked(session, PATHS.long, signal);
        for (let i = 0; step === 'with answers open' && i < OPEN_ANSWERS; i += 1)
          await asked(session, PATHS.open, signal);
      }
      used.push(((await residentKiB(child, signal)) - before) / CONNECTIONS);
    }
    return used;
  } finally {
    for (const session of sessions) session.destroy();
    child.disconnect();
  }
}

async function measure(context: BenchContext): Promise<BenchResult> {
  const rounds: (readonly number[])[] = [];
  for (let i = 1; i <= ROUNDS; i += 1) {
    context.progress({ step: 'connections', detail: `round ${i} of ${ROUNDS}` });
    rounds.push(await round(context));
  }
  return {
    figures: STEPS.map((name, step) => ({
      ...{ name, subject: 'Node.js alone', unit: 'KiB/connection' },
      values: rounds.map((used) => used[step] ?? Number.NaN),
    })),
    remarks: [
      `Resident memory after a collection of garbage, of ${CONNECTIONS} connections; ${OPEN_ANSWERS} answers stay open on each, and then each is given ${LONG_BYTES / 1_000_000} MB once.`,
    ],
  };
}

export const connections: Benchmark = {
  name: 'connections',
  title: 'What Node.js itself needs for connections such as cells have: HTTP/2 over TLS, with answers that stay open.',
  run: measure,
};
