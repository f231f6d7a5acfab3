import { createServer } from 'node:net';
import { connect } from 'node:tls';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { Agent, request } from 'undici';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import { startCollection } from '../../../src/kube/collection.ts';
import type { KubeObject } from '../../../src/kube/objects.ts';
import { dataOf } from '../../../webhooks/certificates/certificate-set.ts';
import { perform } from '../../../webhooks/certificates/perform.ts';
import { runWebhooks } from '../../../webhooks/webhooks.ts';
import { FakeKube } from '../cell-api/fake-kube.ts';
import { FACTS, podOf, RULES, type Shape } from './routing/case.ts';

const PATHS = {
  nodes: '/api/v1/nodes',
  namespaces: '/api/v1/namespaces',
  daemonSets: '/apis/apps/v1/daemonsets',
  networkPolicies: '/apis/networking.k8s.io/v1/networkpolicies',
};

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

describe('the webhooks of a replica', () => {
  let kube: FakeKube;
  let ending: AbortController;
  let running: Promise<void>;
  let port: number;
  const agent = new Agent({ connect: { rejectUnauthorized: false } });

  beforeEach(async () => {
    kube = new FakeKube();
    for (const name of ['default', 'elsewhere']) kube.put(PATHS.namespaces, { metadata: { name } });
    ending = new AbortController();
    port = await freePort();
    start();
  });

  function start(): void {
    const source = { client: kube.client(), clock: systemClock, logger: pino({ level: 'silent' }) };
    const collection = <T extends KubeObject>(path: string) => startCollection<T>({ ...source, path }, ending.signal);
    const namespaces = collection(PATHS.namespaces);
    const options = {
      ...source,
      registry: new Registry(),
      ...{ host: '127.0.0.1', port, hosts: ['127.0.0.1'], namespace: 'nodeless-system', settleMs: 1_000 },
      rules: RULES,
      target: FACTS.target(),
      facts: FACTS,
      collections: {
        nodes: collection(PATHS.nodes),
        namespaces,
        daemonSets: collection(PATHS.daemonSets),
        networkPolicies: collection(PATHS.networkPolicies),
      },
    };
    running = runWebhooks(options, ending.signal);
  }

  afterEach(async () => {
    ending.abort();
    await running;
  });

  async function decisionOn(shape: Shape): Promise<string> {
    const kind = { group: '', version: 'v1', kind: 'Pod' };
    const namespace = shape.namespace ?? 'default';
    const asked = { uid: 'u', kind, operation: 'CREATE', namespace, object: podOf(shape) };
    const body = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: asked });
    const headers = { 'content-type': 'application/json' };
    const options = { method: 'POST', body, headers, dispatcher: agent } as const;
    const answer = await request(`https://127.0.0.1:${port}/mutate`, options);
    const { response } = (await answer.body.json()) as { response?: { patch?: string } };
    const text = Buffer.from(response?.patch ?? '', 'base64').toString();
    const [, quoted] = /"nodeless.io\/decision":("(?:[^"\\]|\\.)*")/.exec(text) ?? [];
    return quoted === undefined ? `untouched ${answer.statusCode}` : JSON.parse(quoted);
  }

  function told(decision: string, shape: Shape): Promise<void> {
    return expect.poll(() => decisionOn(shape).catch(String)).toBe(decision) as Promise<void>;
  }

  test('know of DaemonSets, NetworkPolicies and namespaces as they come, change and go', async () => {
    await told('cell: stateless', {});
    const guarded = { metadata: { labels: { app: 'guarded' } } };
    const policies = PATHS.networkPolicies.replace('/networkp', '/namespaces/default/networkp');
    const podSelector = { matchLabels: { app: 'guarded' } };
    kube.put(policies, { metadata: { name: 'guard', namespace: 'default' }, spec: { podSelector } });
    await told('leave: networkpolicy (guard)', guarded);
    await told('cell: stateless', { ...guarded, namespace: 'elsewhere' });
    await told('cell: stateless', { metadata: { labels: { app: 'guarded', 'nodeless.io/cell-class': 'guarding' } } });
    kube.remove(policies, 'guard');
    await told('cell: stateless', guarded);

    kube.put(PATHS.namespaces, { metadata: { name: 'default', labels: { 'nodeless.io/placement': 'node' } } });
    await told('leave: label', {});
    kube.put(PATHS.namespaces, { metadata: { name: 'default' } });

    const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'agent', uid: 'u', controller: true }];
    const agentPod = { metadata: { ownerReferences }, spec: { nodeName: 'nodeless' } };
    await told('absorb: daemonset', agentPod);
    const daemonSets = PATHS.daemonSets.replace('/daemonsets', '/namespaces/default/daemonsets');
    const annotations = { 'nodeless.io/daemonset-policy': 'node-cell' };
    kube.put(daemonSets, { metadata: { name: 'agent', namespace: 'default', annotations } });
    await told('node-cell: daemonset', agentPod);
  });

  test('wait for what a new namespace says, and judge nothing without it', async () => {
    await told('cell: stateless', {});
    const late = decisionOn({ namespace: 'late' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    kube.put(PATHS.namespaces, { metadata: { name: 'late', labels: { 'nodeless.io/placement': 'node' } } });
    expect(await late).toBe('leave: label');
    expect(await decisionOn({ namespace: 'never' })).toBe('untouched 503');
  });

  test('judge by the labels that the virtual node has now', async () => {
    const wanting = { spec: { nodeSelector: { disk: 'ssd' } } };
    await told('leave: selector (spec.nodeSelector "disk")', wanting);
    kube.put(PATHS.nodes, { metadata: { name: 'nodeless', labels: { disk: 'ssd' } } });
    await told('cell: stateless', wanting);
  });

  function servedNames(): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, servername: '' }, () => {
        resolve(socket.getPeerX509Certificate()?.subjectAltName);
        socket.destroy();
      });
      socket.once('error', reject);
    });
  }

  test('serve by a certificate that was renewed while they were starting', async () => {
    ending.abort();
    await running;
    kube = new FakeKube();
    kube.put(PATHS.namespaces, { metadata: { name: 'default' } });
    ending = new AbortController();
    const secrets = '/api/v1/namespaces/nodeless-system/secrets';
    const set = await perform({ do: 'begin' }, undefined, ['10.0.0.9'], Date.now());
    if (set === undefined) throw new Error('there are no certificates');
    const data = Object.entries(dataOf(set)).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
    const metadata = { name: 'nodeless-webhook-nodeless', namespace: 'nodeless-system' };
    kube.put(secrets, { metadata, data: Object.fromEntries(data) } as KubeObject);
    kube.intercept = ({ method, body }) => {
      if (method !== 'PUT') return undefined;
      const text = JSON.stringify(kube.put(secrets, body as KubeObject));
      return { status: 200, contentType: 'application/json', body: Buffer.from(text) };
    };
    start();
    await told('cell: stateless', {});
    expect(await servedNames()).toContain('IP Address:127.0.0.1');
  });
});
