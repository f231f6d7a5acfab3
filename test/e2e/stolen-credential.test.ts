import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { clusterPaths } from '../../src/local-cluster/state.ts';
import { THIEF_AGENT } from '../support/audit.ts';
import { toolsOf } from '../support/kubectl.ts';
import { BUSYBOX_IMAGE, pod } from '../support/objects.ts';
import { CLUSTER } from './global-setup.ts';

const { kubectl, apply } = toolsOf(CLUSTER);

interface Kubeconfig {
  readonly clusters: readonly [{ readonly cluster: { server: string; 'certificate-authority': string } }];
  readonly users: readonly [{ readonly user: { readonly token: string } }];
}

interface Theft {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: object;
  /** User and groups to be taken for. */
  readonly as?: readonly [user: string, ...groups: string[]];
}

const NODE = ['system:node:nodeless', 'system:nodes'] as const;

/** The answer to a request with the provider's own token, as its kubeconfig has it. */
async function steal({ method = 'GET', path, body, as }: Theft): Promise<number> {
  const file = join(clusterPaths({ name: CLUSTER }).kubeconfigDir, 'nodeless.yaml');
  const { clusters, users } = parse(await readFile(file, 'utf8')) as Kubeconfig;
  const { server, 'certificate-authority': caFile } = clusters[0].cluster;
  const dispatcher = new Agent({ connect: { ca: await readFile(caFile, 'utf8') }, allowH2: false });
  const [user, ...groups] = as ?? [];
  const impersonation = [
    ...(user === undefined ? [] : ['impersonate-user', user]),
    ...groups.flatMap((group) => ['impersonate-group', group]),
  ];
  const headers = ['authorization', `Bearer ${users[0].user.token}`, 'user-agent', THIEF_AGENT, ...impersonation];
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  try {
    const answer = await request(server + path, {
      method,
      dispatcher,
      headers: [...headers, 'content-type', type],
      body: body === undefined ? null : JSON.stringify(body),
    });
    await answer.body.dump();
    return answer.statusCode;
  } finally {
    await dispatcher.destroy();
  }
}

function secret(name: string, namespace = 'default'): string {
  return `/api/v1/namespaces/${namespace}/secrets/${name}`;
}

const PODS = '/api/v1/namespaces/default/pods';

describe('who has stolen the provider’s credential', () => {
  beforeAll(async () => {
    for (const name of ['referenced', 'unreferenced']) {
      await kubectl('create', 'secret', 'generic', name, '--from-literal=word=canary');
    }
    const env = [{ name: 'WORD', valueFrom: { secretKeyRef: { name: 'referenced', key: 'word' } } }];
    await apply(
      pod('robbed', { container: { env } }),
      // Bound to no node, so it is as any pod of another one.
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'elsewhere' },
        spec: { schedulerName: 'nobody', containers: [{ name: 'main', image: BUSYBOX_IMAGE }] },
      },
      { apiVersion: 'v1', kind: 'Node', metadata: { name: 'foreign' }, spec: { unschedulable: true } },
    );
    await kubectl('wait', 'pod/robbed', '--for=condition=Ready', '--timeout=60s');
  });

  afterAll(async () => {
    await kubectl('delete', 'pods/robbed', 'pods/elsewhere', '--wait', '--grace-period=1');
    await kubectl('delete', 'secrets/referenced', 'secrets/unreferenced', 'node/foreign');
  });

  test('has what the pods of the virtual node have, and the authority over its cells', async () => {
    expect(await steal({ path: secret('referenced'), as: NODE })).toBe(200);
    expect(await steal({ path: secret('nodeless-authority', 'nodeless-system') })).toBe(200);
  });

  const forbidden: readonly (readonly [string, Theft])[] = [
    ['a Secret that no pod of the node refers to', { path: secret('unreferenced'), as: NODE }],
    ['that Secret without impersonation', { path: secret('unreferenced') }],
    ['even a Secret of the node’s pods without impersonation', { path: secret('referenced') }],
    ['all Secrets', { path: '/api/v1/secrets' }],
    ['all Secrets as the node', { path: '/api/v1/secrets', as: NODE }],
    ['to be another node', { path: PODS, as: ['system:node:foreign', 'system:nodes'] }],
    ['to be an administrator', { path: PODS, as: ['system:node:nodeless', 'system:masters'] }],
    ['to be another user', { path: PODS, as: ['kubernetes-admin'] }],
    ['to be another service account', { path: PODS, as: ['system:serviceaccount:kube-system:default'] }],
    ['to list pods as itself', { path: '/api/v1/pods' }],
    ['to delete a pod of elsewhere', { method: 'DELETE', path: `${PODS}/elsewhere`, as: NODE }],
    ['to create a pod as the node', { method: 'POST', path: PODS, body: pod('made'), as: NODE }],
    ['to create a pod as itself', { method: 'POST', path: PODS, body: pod('made') }],
    [
      'to run a command in a pod through the API server',
      { method: 'POST', path: `${PODS}/robbed/exec?command=id`, as: NODE },
    ],
    ['to taint another node', { method: 'PATCH', path: '/api/v1/nodes/foreign', body: { spec: { taints: [] } } }],
    [
      'to change its own roles',
      { method: 'PATCH', path: '/apis/rbac.authorization.k8s.io/v1/clusterroles/nodeless:nodeless', body: {} },
    ],
  ];

  test.each(forbidden)('may not have %s', async (_what, theft) => {
    expect(await steal(theft)).toBe(403);
  });

  test('may rewrite its own webhooks’ configurations, but no other’s', async () => {
    const configurations = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
    const theft = (name: string) => steal({ method: 'PATCH', path: `${configurations}/${name}`, body: {} });
    expect(await theft('nodeless.nodeless.io')).toBe(200);
    expect(await theft('other.nodeless.io')).toBe(403);
  });

  test('gets no token of a service account that no pod of the node has, nor one bound to no pod', async () => {
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [] } };
    const path = (account: string) => `/api/v1/namespaces/kube-system/serviceaccounts/${account}/token`;
    expect(await steal({ method: 'POST', path: path('namespace-controller'), body })).toBe(403);
    expect(await steal({ method: 'POST', path: path('namespace-controller'), body, as: NODE })).toBe(403);
    const own = '/api/v1/namespaces/default/serviceaccounts/default/token';
    expect(await steal({ method: 'POST', path: own, body, as: NODE })).toBe(403);
  });
});
