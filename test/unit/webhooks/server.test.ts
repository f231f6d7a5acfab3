import { connect } from 'node:http2';
import { connect as connectTls } from 'node:tls';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { Agent, request } from 'undici';
import { describe, expect, onTestFinished, test } from 'vitest';
import { bundleOf } from '../../../webhooks/certificates/certificate-set.ts';
import { perform } from '../../../webhooks/certificates/perform.ts';
import { BODY_LIMIT_BYTES } from '../../../webhooks/server/app.ts';
import { createWebhookMetrics } from '../../../webhooks/server/metrics.ts';
import { mutate } from '../../../webhooks/server/mutate.ts';
import { startWebhookServer } from '../../../webhooks/server/webhook-server.ts';
import { validateCell } from '../../../webhooks/validation/cell.ts';
import { validateCellClass } from '../../../webhooks/validation/cell-class.ts';
import { validatePod } from '../../../webhooks/validation/pod.ts';
import { validateWarmPool } from '../../../webhooks/validation/warm-pool.ts';
import { changed, FACTS, podOf, RULES, routed, type Shape } from './routing/case.ts';

const POD = { group: '', version: 'v1', kind: 'Pod' };

function reviewOf(object: unknown, more: object = {}) {
  const asked = { uid: 'u1', kind: POD, operation: 'CREATE', namespace: 'default', object, ...more };
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: asked };
}

interface Answer {
  readonly response: {
    readonly uid: string;
    readonly allowed: boolean;
    readonly patch?: string;
    readonly patchType?: string;
    readonly warnings?: string[];
    readonly status?: { readonly message: string };
  };
}

async function serve(options: { ready?: boolean; requestTimeoutMs?: number } = {}) {
  const set = await perform({ do: 'begin' }, undefined, ['127.0.0.1'], Date.now());
  const { certPem: cert = '', keyPem: key = '' } = set?.serving ?? {};
  const registry = new Registry();
  const metrics = createWebhookMetrics(registry);
  const state = { ready: options.ready ?? true };
  const server = await startWebhookServer({
    ...{ host: '127.0.0.1', port: 0, serving: { cert, key }, metrics, registry, logger: pino({ level: 'silent' }) },
    isReady: () => state.ready,
    ...(options.requestTimeoutMs === undefined ? {} : { requestTimeoutMs: options.requestTimeoutMs }),
    webhooks: {
      '/mutate': (asked) => mutate(asked, { rules: RULES, facts: FACTS, metrics }),
      '/validate/pods': (asked) => validatePod(asked, { rules: RULES, facts: FACTS }),
      '/validate/cells': validateCell,
      '/validate/cellclasses': validateCellClass,
      '/validate/warmpools': validateWarmPool,
      '/broken': () => {
        throw new TypeError('secret particulars');
      },
    },
  });
  const ca = set === undefined ? '' : bundleOf(set);
  const agents = [true, false].map((allowH2) => new Agent({ connect: { ca }, allowH2 }));
  onTestFinished(async () => {
    await Promise.all(agents.map((agent) => agent.destroy()));
    await server.stop();
  });
  async function send(path: string, body: string | undefined, contentType = 'application/json', agent = 0) {
    const answer = await request(`https://127.0.0.1:${server.port}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      ...(body === undefined ? {} : { body, headers: { 'content-type': contentType } }),
      dispatcher: agents[agent] as Agent,
    });
    return { status: answer.statusCode, text: await answer.body.text() };
  }
  async function ask(path: string, review: unknown): Promise<Answer['response']> {
    const { status, text } = await send(path, JSON.stringify(review));
    expect(status, text).toBe(200);
    return (JSON.parse(text) as Answer).response;
  }
  return { send, ask, state, server };
}

describe('the webhook server', () => {
  test('answers a review by its uid with a JSON patch, over HTTP/2 and 1.1 alike', async () => {
    const { send } = await serve();
    for (const agent of [0, 1]) {
      const { status, text } = await send('/mutate', JSON.stringify(reviewOf(podOf({}))), 'application/json', agent);
      expect(status).toBe(200);
      const { response } = JSON.parse(text) as Answer;
      expect(response).toMatchObject({ uid: 'u1', allowed: true, patchType: 'JSONPatch' });
      const patch = JSON.parse(Buffer.from(response.patch ?? '', 'base64').toString());
      expect(patch).toContainEqual({
        op: 'add',
        path: '/spec/nodeSelector',
        value: { 'nodeless.io/virtual-node': 'nodeless' },
      });
    }
  });

  test('takes the namespace from the request, for a pod’s own metadata may lack it', async () => {
    const { ask } = await serve();
    const pod = podOf({ metadata: { generateName: 'web-' } });
    expect(await ask('/mutate', reviewOf(pod, { namespace: 'kube-system' }))).toEqual({ uid: 'u1', allowed: true });
  });

  test('answers a dry run as it answers any other', async () => {
    const { ask } = await serve();
    const patchOf = async (dryRun: boolean) => (await ask('/mutate', reviewOf(podOf({}), { dryRun }))).patch;
    expect(await patchOf(true)).toBe(await patchOf(false));
  });

  test.each([
    ['another kind', { kind: { group: 'apps', version: 'v1', kind: 'Deployment' } }],
    ['an update', { operation: 'UPDATE' }],
    ['a deletion', { operation: 'DELETE', object: null }],
  ])('lets %s through as it is', async (_title, more) => {
    const { ask } = await serve();
    for (const path of ['/mutate', '/validate/pods'])
      expect(await ask(path, reviewOf({ anything: 1 }, more))).toEqual({ uid: 'u1', allowed: true });
  });

  const { request: asked, ...envelope } = reviewOf(podOf({}));
  test.each([
    ['no JSON', '{', 400, 'can not be read'],
    ['nothing', '', 400, 'can not be read'],
    ['no object', '[]', 400, 'no AdmissionReview'],
    [
      'an older version',
      JSON.stringify({ ...envelope, apiVersion: 'admission.k8s.io/v1beta1', request: asked }),
      400,
      'apiVersion',
    ],
    ['no request', JSON.stringify(envelope), 400, 'request'],
    ['no uid', JSON.stringify(reviewOf({}, { uid: undefined })), 400, 'request.uid'],
    ['no pod', JSON.stringify(reviewOf({ metadata: {}, spec: 7 })), 400, 'request.object is no pod: spec'],
    [
      'labels that are none',
      JSON.stringify(reviewOf({ metadata: { labels: { a: 1 } }, spec: {} })),
      400,
      'metadata.labels.a',
    ],
    [
      'affinity that is none',
      JSON.stringify(reviewOf(podOf({ spec: { affinity: { nodeAffinity: 7 } as object } }))),
      200,
      '',
    ],
    ['3 MiB and a byte', `"${'x'.repeat(BODY_LIMIT_BYTES)}"`, 413, `larger than ${BODY_LIMIT_BYTES} bytes`],
  ])('answers %s with a Status that says so, and serves on', async (_title, body, status, words) => {
    const { send } = await serve();
    for (const agent of [0, 1]) {
      const answer = await send('/mutate', body, 'application/json', agent);
      expect(answer.status).toBe(status);
      expect(answer.text).toContain(words);
    }
    expect((await send('/healthz', undefined)).text).toBe('ok');
  });

  test.each(['text/plain', 'application/yaml', 'application/vnd.kubernetes.protobuf'])(
    'refuses content of type %s',
    async (contentType) => {
      const { send } = await serve();
      expect((await send('/mutate', JSON.stringify(reviewOf(podOf({}))), contentType)).status).toBe(415);
    },
  );

  test('takes an object as large as etcd does', async () => {
    const { ask } = await serve();
    const annotations = { large: 'x'.repeat(2_900_000) };
    expect((await ask('/mutate', reviewOf(podOf({ metadata: { annotations } })))).allowed).toBe(true);
  });

  test('answers all that an API server asks at once on its one connection', { timeout: 20_000 }, async () => {
    const { server } = await serve();
    const session = connect(`https://127.0.0.1:${server.port}`, { rejectUnauthorized: false, maxSessionMemory: 1_000 });
    const annotations = { large: 'x'.repeat(200_000) };
    const body = JSON.stringify(reviewOf(podOf({ metadata: { annotations } })));
    const ask = () =>
      new Promise<number | undefined>((resolve, reject) => {
        const stream = session.request({ ':method': 'POST', ':path': '/mutate', 'content-type': 'application/json' });
        stream.once('response', (headers) => resolve(headers[':status']));
        stream.once('error', reject).resume().end(body);
      });
    const statuses = await Promise.all(Array.from({ length: 200 }, ask));
    session.destroy();
    expect(new Set(statuses)).toEqual(new Set([200]));
  });

  test.each(['h2', 'http/1.1'])('cuts a request off that does not come to its end, over %s', async (protocol) => {
    const { server, send } = await serve({ requestTimeoutMs: 200 });
    const cut = new Promise<void>((resolve) => {
      const target = { host: '127.0.0.1', port: server.port, rejectUnauthorized: false };
      if (protocol === 'h2') {
        const session = connect(`https://127.0.0.1:${server.port}`, target);
        const stream = session.request({ ':method': 'POST', ':path': '/mutate', 'content-type': 'application/json' });
        stream.once('error', () => undefined).once('close', () => resolve(session.destroy()));
        stream.write('{');
      } else {
        const socket = connectTls({ ...target, ALPNProtocols: ['http/1.1'] });
        socket.once('error', () => undefined).once('close', () => resolve());
        socket.write(
          'POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{',
        );
      }
    });
    await cut;
    expect((await send('/healthz', undefined)).text).toBe('ok');
  });

  test('tells the particulars of its own failures to nobody', async () => {
    const { send } = await serve();
    const { status, text } = await send('/broken', JSON.stringify(reviewOf({})));
    expect([status, text.includes('secret')]).toEqual([500, false]);
  });

  test('judges nothing before its caches are complete', async () => {
    const { send, state } = await serve({ ready: false });
    const body = JSON.stringify(reviewOf(podOf({})));
    expect((await send('/mutate', body)).status).toBe(503);
    expect((await send('/readyz', undefined)).status).toBe(503);
    state.ready = true;
    expect((await send('/mutate', body)).status).toBe(200);
    expect((await send('/readyz', undefined)).status).toBe(200);
  });

  test('counts decisions by reason, and times its answers', async () => {
    const { ask, send } = await serve();
    await ask('/mutate', reviewOf(podOf({})));
    await ask('/mutate', reviewOf(podOf({ spec: { hostNetwork: true } })));
    const { text } = await send('/metrics', undefined);
    expect(text).toContain('nodeless_webhook_decisions_total{decision="cell",reason="stateless"} 1');
    expect(text).toContain('nodeless_webhook_decisions_total{decision="leave",reason="host-network"} 1');
    expect(text).toContain('nodeless_webhook_request_duration_seconds_count{path="/mutate",code="200"} 2');
  });

  test('warns of a placement label that nothing follows, and of such a policy of the pod’s DaemonSet', async () => {
    const { ask } = await serve();
    const metadata = { labels: { 'nodeless.io/placement': 'cel' } };
    const { warnings } = await ask('/mutate', reviewOf(podOf({ metadata })));
    expect(warnings).toEqual(['label nodeless.io/placement: "cel" is not followed; it is one of cell, node, ignore']);
    const owner = { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'misspelled', controller: true };
    const ofDaemonSet = podOf({ metadata: { ownerReferences: [owner] } as never });
    expect((await ask('/mutate', reviewOf(ofDaemonSet))).warnings).toEqual(['nobody follows that']);
  });

  test('names a port that is taken', async () => {
    const { server } = await serve();
    const registry = new Registry();
    const options = { host: '127.0.0.1', port: server.port, serving: { cert: '', key: '' }, registry };
    const rest = { isReady: () => true, webhooks: {}, metrics: createWebhookMetrics(registry), logger: pino() };
    await expect(startWebhookServer({ ...options, ...rest })).rejects.toMatchObject({ code: 'PortInUse' });
  });
});

describe('the validating webhook', () => {
  const label = { labels: { 'nodeless.io/placement': 'cell' } };
  const remedy = 'or remove the label nodeless.io/placement: cell';

  async function verdictOn(shape: Shape): Promise<string> {
    const { ask } = await serve();
    const pod = changed(podOf(shape), routed(shape));
    const { allowed, status } = await ask('/validate/pods', reviewOf(pod, { namespace: shape.namespace ?? 'default' }));
    return allowed ? 'allowed' : (status?.message ?? '');
  }

  test('lets a pod through that has the cell that it asks for', async () => {
    expect(await verdictOn({ metadata: label })).toBe('allowed');
  });

  test.each<readonly [string, Shape, string]>([
    [
      'a claim',
      { spec: { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'c' } }] } },
      'spec.volumes "data" is a persistent volume',
    ],
    ['a CSI driver', { spec: { volumes: [{ name: 's', csi: { driver: 'x' } }] } }, 'routing.csiDrivers'],
    [
      'a selector',
      { spec: { nodeSelector: { disk: 'ssd' } } },
      'spec.nodeSelector "disk" keeps the pod off the virtual node',
    ],
    ['a scheduler', { spec: { schedulerName: 'volcano' } }, 'spec.schedulerName'],
    ['a policy', { metadata: { labels: { ...label.labels, guarded: 'yes' } } }, 'guard is a NetworkPolicy'],
  ])('refuses a pod whose cell can’t be by %s, with the field and the remedy', async (_title, shape, words) => {
    const message = await verdictOn({ metadata: label, ...shape });
    expect(message).toContain(words);
    expect(message).toContain(remedy);
  });

  test('refuses a pod that must have a cell and can have no CellClass, and says why', async () => {
    const labels = { ...label.labels, 'nodeless.io/cell-class': 'missing' };
    expect(await verdictOn({ metadata: { labels } })).toBe('the pod picks CellClass missing, which does not exist');
    expect(await verdictOn({ metadata: { labels: { 'nodeless.io/cell-class': 'missing' } } })).toBe('allowed');
  });

  test('refuses in a namespace that asks for cells, and spares what says otherwise there', async () => {
    const spec = { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'c' } }] };
    expect(await verdictOn({ namespace: 'cell', spec })).toContain('spec.volumes "data"');
    expect(
      await verdictOn({ namespace: 'cell', spec, metadata: { labels: { 'nodeless.io/placement': 'node' } } }),
    ).toBe('allowed');
    const owner = { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'd', uid: 'u', controller: true };
    expect(await verdictOn({ namespace: 'cell', spec, metadata: { ownerReferences: [owner] } })).toBe('allowed');
  });

  test('refuses a pod that was not routed, so that what was asked for is not silently forgotten', async () => {
    const { ask } = await serve();
    const { allowed, status } = await ask('/validate/pods', reviewOf(podOf({ metadata: label })));
    expect([allowed, status?.message]).toEqual([false, expect.stringContaining('create the pod again')]);
  });

  test('refuses a CellClass that placement could not read, naming every field', async () => {
    const { ask } = await serve();
    const kind = { group: 'nodeless.io', version: 'v1alpha1', kind: 'CellClass' };
    const classed = (spec: unknown) =>
      ask('/validate/cellclasses', reviewOf({ metadata: { name: 'c' }, spec }, { kind }));
    expect((await classed({ launchTypes: { allowed: ['local'] } })).allowed).toBe(true);
    const { allowed, status } = await classed({ budgets: { maxCells: -1 }, launchTypes: { allowed: ['moon'] } });
    expect(allowed).toBe(false);
    for (const field of ['spec.budgets.maxCells', 'spec.launchTypes.allowed']) expect(status?.message).toContain(field);
  });

  test('refuses a WarmPool that nobody could keep, naming every field and what mends it', async () => {
    const { ask } = await serve();
    const kind = { group: 'nodeless.io', version: 'v1alpha1', kind: 'WarmPool' };
    const pool = (spec: unknown) => ask('/validate/warmpools', reviewOf({ metadata: { name: 'p' }, spec }, { kind }));
    const shape = { cpu: '1', memory: '1Gi' };
    expect((await pool({ shape, min: 1 })).allowed).toBe(true);
    const { allowed, status } = await pool({ shape, min: 5, max: 2, launchTypes: ['fargate'] });
    expect(allowed).toBe(false);
    for (const part of ['spec.min is 5, and spec.max is 2; lower min', 'spec.launchTypes names fargate'])
      expect(status?.message).toContain(part);
  });

  test('refuses Cell objects that people make, and lets them be deleted', async () => {
    const { ask } = await serve();
    const kind = { group: 'nodeless.io', version: 'v1alpha1', kind: 'Cell' };
    const made = await ask('/validate/cells', reviewOf({}, { kind }));
    expect([made.allowed, made.status?.message]).toEqual([false, expect.stringContaining('create a pod')]);
    expect((await ask('/validate/cells', reviewOf(null, { kind, operation: 'DELETE' }))).allowed).toBe(true);
  });
});
