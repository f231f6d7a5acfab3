import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toolsOf } from '../support/kubectl.ts';
import { pod } from '../support/objects.ts';
import { CLUSTER } from './global-setup.ts';

const { kubectl, tryKubectl, apply, get } = toolsOf(CLUSTER);

const TENANT = '--as=tenant';

describe('a hostile tenant, administrator of a namespace', () => {
  let cell = '';

  beforeAll(async () => {
    await apply(pod('victim'));
    await kubectl('wait', 'pod/victim', '--for=condition=Ready', '--timeout=60s');
    cell = (await get<{ metadata: { annotations: Record<string, string> } }>('pod', 'victim')).metadata.annotations[
      'nodeless.io/cell'
    ] as string;
    await kubectl('create', 'namespace', 'tenancy');
    await kubectl('create', 'rolebinding', 'tenant', '--clusterrole=admin', '--user=tenant', '-n', 'tenancy');
  });

  afterAll(async () => {
    await kubectl('delete', 'namespace', 'tenancy', '--wait');
    await kubectl('delete', 'pod', 'victim', '--wait', '--grace-period=1');
  });

  test.each([
    ['end a cell', () => ['delete', 'cell', cell]],
    ['look at cells', () => ['get', 'cells']],
    ['invent a cell', () => ['create', '--raw', '/apis/nodeless.io/v1alpha1/cells', '-f', '/dev/null']],
    ['read the authority’s key', () => ['get', 'secret', 'nodeless-authority', '-n', 'nodeless-system']],
    ['take the lease', () => ['delete', 'lease', 'nodeless-nodeless', '-n', 'nodeless-system']],
    ['take the node’s lease', () => ['delete', 'lease', 'nodeless', '-n', 'kube-node-lease']],
    ['change the virtual node', () => ['label', 'node', 'nodeless', 'type-']],
    ['get a token of the provider', () => ['create', 'token', 'nodeless', '-n', 'nodeless-system']],
    ['approve a certificate', () => ['certificate', 'approve', 'any']],
    ['read the metrics of the virtual node', () => ['get', '--raw', '/api/v1/nodes/nodeless/proxy/metrics']],
    ['exec into a pod of another namespace', () => ['exec', '-n', 'default', 'victim', '--', 'true']],
  ])('may not %s', async (_what, args) => {
    const { exitCode, stderr } = await tryKubectl(TENANT, ...args());
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/forbidden/i);
  });

  test('may run pods on cells, but not name the cell of one', async () => {
    await kubectl('run', 'own', '--image=none', '-n', 'tenancy', '--restart=Never', TENANT);
    const annotate = ['annotate', 'pod', 'own', '-n', 'tenancy', `nodeless.io/cell=${cell}`, '--overwrite'];
    const { exitCode, stderr } = await tryKubectl(...annotate, TENANT);
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain('is written by Nodeless alone');
  });
});
