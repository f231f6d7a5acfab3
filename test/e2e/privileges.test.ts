import { beforeAll, describe, expect, test } from 'vitest';
import { installObjects } from '../../src/install/objects.ts';
import { readAuditLog, requestsOfProvider } from '../support/audit.ts';
import { noMachines } from '../support/cells.ts';
import { grantsOf, unusedGrants } from '../support/grants.ts';
import { toolsOf } from '../support/kubectl.ts';
import { pod } from '../support/objects.ts';
import { killProvider, startProviderAgain } from '../support/provider.ts';
import { askCellApi, cellApiUrl, stealCell } from '../support/stolen-cell.ts';
import { eventually } from '../support/wait.ts';
import { CLUSTER } from './global-setup.ts';

const { kubectl, apply, inside } = toolsOf(CLUSTER);

/** What kube-proxy and others in a cell read, beside what a kubelet does. */
const SHARED = [
  '/api/v1/services',
  '/apis/discovery.k8s.io/v1/endpointslices',
  '/apis/networking.k8s.io/v1/servicecidrs',
  '/apis/storage.k8s.io/v1/csidrivers',
  '/apis/node.k8s.io/v1/runtimeclasses',
];

describe('the privileges of the provider', () => {
  beforeAll(async () => {
    // It holds nothing, and is told of.
    const idle = { shape: { cpu: '1', memory: '1Gi' }, max: 0 };
    await apply({ apiVersion: 'nodeless.io/v1alpha1', kind: 'WarmPool', metadata: { name: 'idle' }, spec: idle });
    await apply(pod('privileges'));
    await kubectl('wait', 'pod/privileges', '--for=condition=Ready', '--timeout=60s');
    const { identity } = await stealCell(CLUSTER, 'privileges');
    const url = await cellApiUrl(CLUSTER);
    for (const path of SHARED) expect((await askCellApi(url, identity, { path })).status, path).toBe(200);
    const endpoint = url.replace('8443', '10250');
    const token = await kubectl('create', 'token', 'default');
    const answer = await inside('curl', '-sk', '-H', `Authorization: Bearer ${token}`, `${endpoint}/pods`);
    expect(answer).toContain('Forbidden (user=system:serviceaccount:default:default');
    await kubectl('wait', 'warmpool/idle', '--for=condition=Ready', '--timeout=30s');
    await kubectl('delete', 'warmpool', 'idle', '--wait');
    await kubectl('delete', 'pod', 'privileges', '--wait', '--grace-period=1');
    await noMachines(CLUSTER);
    const withoutCertificate = JSON.stringify([{ op: 'remove', path: '/data/tls.crt' }]);
    await kubectl(
      'patch',
      'secret/nodeless-webhook-nodeless',
      '-n',
      'nodeless-system',
      '--type=json',
      '-p',
      withoutCertificate,
    );
    await kubectl('label', 'node', 'nodeless', 'type-');
    await killProvider(CLUSTER);
    await startProviderAgain(CLUSTER);
    const label = ['get', 'node', 'nodeless', '-o', 'jsonpath={.metadata.labels.type}'];
    await eventually('the label is there again', async () => (await kubectl(...label)) === 'virtual-kubelet');
  });

  test('are used, every one: no rule grants what nothing needs', async () => {
    const grants = grantsOf(await installObjects({ virtualNode: 'nodeless', namespace: 'nodeless-system' }));
    let unused: readonly string[] = [];
    // A Cell object goes a moment after its cell.
    await eventually('all grants are used', async () => {
      unused = unusedGrants(grants, requestsOfProvider(await readAuditLog(CLUSTER)));
      return unused.length === 0;
    }).catch(() => undefined);
    expect(unused).toEqual([]);
  });

  test('come from what is shipped alone', async () => {
    const asItself = requestsOfProvider(await readAuditLog(CLUSTER)).filter(
      ({ impersonatedUser, responseStatus }) => impersonatedUser === undefined && responseStatus?.code !== 403,
    );
    const reasons = new Set(asItself.map(({ annotations }) => annotations?.['authorization.k8s.io/reason'] ?? ''));
    const shipped = /^RBAC: allowed by (ClusterRole|Role)Binding "nodeless:[a-z]+(\/[a-z-]+)?" of /;
    expect([...reasons].filter((reason) => !shipped.test(reason))).toEqual([]);
    expect(reasons.size).toBeGreaterThan(1);
  });
});
