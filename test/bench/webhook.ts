import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readEnvironment } from '../../src/config/environment.ts';
import { NODE_FLAGS } from '../../src/core/node-flags.ts';
import { systemProgram } from '../../src/local-cluster/binaries/lookup.ts';
import { run } from '../../src/local-cluster/processes/run.ts';
import { bundleOf } from '../../webhooks/certificates/certificate-set.ts';
import { perform } from '../../webhooks/certificates/perform.ts';
import type { BenchContext, Benchmark, BenchResult } from './benchmark.ts';
import { cpuSeconds, residentMiB } from './process-meter.ts';
import type { WebhookOrder } from './webhook-program.ts';

const LOAD_FOLDER = fileURLToPath(new URL('review-load', import.meta.url));
const PROGRAM = fileURLToPath(new URL('webhook-program.ts', import.meta.url));
const START_TIMEOUT_MS = 30_000;
const COMPILE_TIMEOUT_MS = 300_000;
const ROUND_MS = 5_000;
const ROUNDS = 3;
const UNDER_WAY = 32;
const REVIEWS_PER_SECOND = 2_000;
const P99_MS = 5;
const COUNTS = { namespaces: 1_000, daemonSets: 50, networkPolicies: 50 };

/** A pod of a Deployment as the API server shows it, with what makes routing work: affinity by host, by zone, by arch. */
function podReview(): string {
  const labels = { app: 'web', 'pod-template-hash': '74759847f4' };
  const env = Array.from({ length: 20 }, (_, index) => ({ name: `SETTING_${index}`, value: `value of ${index}` }));
  const resources = { requests: { cpu: '250m', memory: '256Mi' } };
  const terminal = { terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File' };
  const volumeMounts = [
    { name: 'token', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true },
    { name: 'settings', mountPath: '/etc/web' },
  ];
  const container = { image: 'example.com/web:1', env, resources, volumeMounts, ...terminal };
  const machine = [{ key: 'kubernetes.io/arch', operator: 'In', values: ['arm64', 'amd64'] }];
  const term = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: labels } };
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-74759847f4', uid: 'u', controller: true };
  const object = {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { generateName: 'web-74759847f4-', namespace: 'default', labels, ownerReferences: [owner] },
    spec: {
      volumes: [
        {
          name: 'token',
          projected: { sources: [{ serviceAccountToken: { expirationSeconds: 3607, path: 'token' } }] },
        },
        { name: 'settings', configMap: { name: 'settings', defaultMode: 420 } },
      ],
      containers: ['web', 'sidecar'].map((name) => ({ name, ...container })),
      schedulerName: 'default-scheduler',
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: machine }] },
        },
        podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] },
      },
      tolerations: ['not-ready', 'unreachable'].map((what) => ({
        key: `node.kubernetes.io/${what}`,
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds: 300,
      })),
    },
  };
  const kind = { group: '', version: 'v1', kind: 'Pod' };
  const request = { uid: 'u', kind, operation: 'CREATE', namespace: 'default', dryRun: false, object };
  return JSON.stringify({ kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request });
}

async function start(order: WebhookOrder, signal: AbortSignal): Promise<{ child: ChildProcess; port: number }> {
  const child = fork(PROGRAM, { execArgv: [...process.execArgv, ...NODE_FLAGS] });
  child.send(order);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(START_TIMEOUT_MS)]);
  const [port] = (await once(child, 'message', { signal: limit })) as [number];
  return { child, port };
}

/** What the program that makes the load has measured. */
interface Measured {
  readonly perReviewMicros: readonly number[];
  readonly latenciesMs: readonly number[];
  readonly latenessMs: readonly number[];
  readonly reviews: number;
}

/** Compiles the load, and has it asked: in Go, as an API server's own client is. */
async function measured(context: BenchContext, port: number, caPem: string, review: string): Promise<Measured> {
  const { folder, signal, progress } = context;
  const file = (name: string) => join(folder, name);
  const go = (await systemProgram('go', readEnvironment())) ?? 'go';
  progress({ step: 'webhook', detail: 'compiling the load' });
  await run([go, 'build', '-o', file('review-load')], { cwd: LOAD_FOLDER, signal, timeoutMs: COMPILE_TIMEOUT_MS });
  await writeFile(file('ca.pem'), caPem);
  await writeFile(file('review.json'), review);
  progress({
    step: 'webhook',
    detail: `${ROUNDS} rounds of reviews of ${review.length} bytes, and one that does not count`,
  });
  const url = `https://127.0.0.1:${port}/mutate?timeout=2s`;
  const load = { url, ca: file('ca.pem'), review: file('review.json'), rounds: ROUNDS, ms: ROUND_MS };
  const flags = Object.entries({ ...load, 'under-way': UNDER_WAY, rate: REVIEWS_PER_SECOND });
  const timeoutMs = START_TIMEOUT_MS + (ROUNDS + 1) * ROUND_MS * 4;
  const { stdout } = await run([file('review-load'), ...flags.map(([name, value]) => `-${name}=${value}`)], {
    signal,
    timeoutMs,
  });
  return JSON.parse(stdout) as Measured;
}

async function measure(context: BenchContext): Promise<BenchResult> {
  const set = await perform({ do: 'begin' }, undefined, ['127.0.0.1'], Date.now());
  if (set?.serving === undefined) throw new Error('no certificate');
  const { certPem: cert, keyPem: key } = set.serving;
  const { child, port } = await start({ serving: { cert, key }, ...COUNTS }, context.signal);
  const pid = child.pid ?? 0;
  try {
    const before = await cpuSeconds(pid);
    const { perReviewMicros, latenciesMs, latenessMs, reviews } = await measured(
      context,
      port,
      bundleOf(set),
      podReview(),
    );
    const subject = 'nodeless';
    return {
      figures: [
        {
          ...{ name: 'time for a review, flat out', subject, unit: 'µs', values: perReviewMicros },
          aim: { atMost: 1_000_000 / REVIEWS_PER_SECOND },
        },
        {
          ...{ name: `an answer, at ${REVIEWS_PER_SECOND} reviews/s`, subject, unit: 'ms', values: latenciesMs },
          aim: { atMost: P99_MS, by: 'p99' },
        },
        { name: 'asked too late by the load, at that rate', subject: 'the load', unit: 'ms', values: latenessMs },
        {
          ...{ name: 'CPU of its process for a review', subject, unit: 'µs' },
          values: [(((await cpuSeconds(pid)) - before) * 1_000_000) / reviews],
        },
        { name: 'memory of its process', subject, unit: 'MiB', values: [await residentMiB(pid)] },
      ],
      remarks: [
        `Flat out: ${UNDER_WAY} reviews under way on one HTTP/2 connection; ${1_000_000 / REVIEWS_PER_SECOND} µs a review are ${REVIEWS_PER_SECOND} reviews a second.`,
        'The load is made on the same machine, by the client that API servers have (Go). By how much it asks too late is how long a process waits for a core there; answers wait for one too, on both sides.',
      ],
    };
  } finally {
    child.disconnect();
  }
}

export const webhook: Benchmark = {
  name: 'webhook',
  title: 'Routing of pods by the mutating webhook: reviews a second, and how long an answer takes.',
  run: measure,
};
