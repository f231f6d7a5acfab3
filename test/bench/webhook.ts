import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { bundleOf } from '../../webhooks/certificates/certificate-set.ts';
import { perform } from '../../webhooks/certificates/perform.ts';
import type { BenchContext, Benchmark, BenchResult } from './benchmark.ts';
import { cpuSeconds, residentMiB } from './process-meter.ts';
import { atRate, flatOut, reviewClient } from './review-load.ts';
import type { WebhookOrder } from './webhook-program.ts';

const PROGRAM = fileURLToPath(new URL('webhook-program.ts', import.meta.url));
const START_TIMEOUT_MS = 30_000;
const WARM_UP_MS = 4_000;
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
  const child = fork(PROGRAM);
  child.send(order);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(START_TIMEOUT_MS)]);
  const [port] = (await once(child, 'message', { signal: limit })) as [number];
  return { child, port };
}

async function run({ signal, progress }: BenchContext): Promise<BenchResult> {
  const set = await perform({ do: 'begin' }, undefined, ['127.0.0.1'], Date.now());
  if (set?.serving === undefined) throw new Error('no certificate');
  const { certPem: cert, keyPem: key } = set.serving;
  const { child, port } = await start({ serving: { cert, key }, ...COUNTS }, signal);
  const review = podReview();
  const client = reviewClient(port, bundleOf(set), review);
  try {
    progress({ step: 'webhook', detail: `warming up with reviews of ${review.length} bytes` });
    await flatOut(client, UNDER_WAY, WARM_UP_MS);
    const perReview: number[] = [];
    const latencies: number[] = [];
    const cpu: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      signal.throwIfAborted();
      progress({ step: 'webhook', detail: `round ${round + 1} of ${ROUNDS}` });
      perReview.push(await flatOut(client, UNDER_WAY, ROUND_MS));
      const before = await cpuSeconds(child.pid ?? 0);
      const answers = await atRate(client, REVIEWS_PER_SECOND, ROUND_MS);
      cpu.push((((await cpuSeconds(child.pid ?? 0)) - before) * 1_000_000) / answers.length);
      latencies.push(...answers);
    }
    const subject = 'nodeless';
    return {
      figures: [
        {
          ...{ name: 'time for a review, flat out', subject, unit: 'µs', values: perReview },
          aim: { atMost: 1_000_000 / REVIEWS_PER_SECOND },
        },
        {
          ...{ name: `an answer, at ${REVIEWS_PER_SECOND} reviews/s`, subject, unit: 'ms', values: latencies },
          aim: { atMost: P99_MS, by: 'p99' },
        },
        { name: 'CPU of its process for a review', subject, unit: 'µs', values: cpu },
        { name: 'memory of its process', subject, unit: 'MiB', values: [await residentMiB(child.pid ?? 0)] },
      ],
      remarks: [
        `Flat out: ${UNDER_WAY} reviews under way on one HTTP/2 connection; ${1_000_000 / REVIEWS_PER_SECOND} µs a review are ${REVIEWS_PER_SECOND} reviews a second.`,
        'The load is made on the same machine, which takes as much of it as the webhook does.',
      ],
    };
  } finally {
    client.close();
    child.disconnect();
  }
}

export const webhook: Benchmark = {
  name: 'webhook',
  title: 'Routing of pods by the mutating webhook: reviews a second, and how long an answer takes.',
  run,
};
