import { describe, expect, test } from 'vitest';
import { judgeNetwork, judgeVersion } from '../../../src/cli/doctor/cluster-checks.ts';
import { exitCodeOf, findingsText } from '../../../src/cli/doctor/doctor.ts';
import { examined, failed, ok, unknown, warning } from '../../../src/cli/doctor/finding.ts';
import { needsOfRoles, providerNeeds } from '../../../src/cli/doctor/permission-checks.ts';
import { judgeSigning } from '../../../src/cli/doctor/provider-checks.ts';
import { judgeDryRun } from '../../../src/cli/doctor/webhook-check.ts';
import { needText } from '../../../src/install/permissions.ts';

const NOW_MS = Date.parse('2026-01-01T00:10:00Z');

describe('nodeless doctor', () => {
  test.each([
    ['v1.32.9', 'failed'],
    ['v1.33.0', 'ok'],
    ['v1.34.4-eks-113cf36', 'ok'],
    ['v2.0.0', 'ok'],
    ['unknown', 'unknown'],
  ])('calls an API server of %s %s', (version, outcome) => {
    expect(judgeVersion(version).outcome).toBe(outcome);
  });

  test.each([
    [201, '{"metadata":{"annotations":{"nodeless.io/decision":"cell"}}}', 'ok', 'they answer'],
    [201, '{"metadata":{}}', 'failed', 'without asking'],
    [
      500,
      'failed calling webhook "asking-pods.nodeless.io": context deadline exceeded',
      'failed',
      'does not reach them',
    ],
    [403, 'admission webhook "asking-pods.nodeless.io" denied the request: no', 'ok', 'they answer'],
    [403, 'pods is forbidden: exceeded quota', 'unknown', 'could not be tried'],
  ])('takes an answer of %i, %s, for %s', (status, answer, outcome, words) => {
    expect(judgeDryRun(status, answer)).toMatchObject({ outcome, detail: expect.stringContaining(words) });
  });

  test.each<[string, object, string, string | undefined]>([
    ['signed', { certificate: 'x', conditions: [{ type: 'Approved' }] }, '2026-01-01T00:00:00Z', undefined],
    ['new', {}, '2026-01-01T00:09:59Z', undefined],
    ['never approved', {}, '2026-01-01T00:00:00Z', 'nobody approves csr'],
    ['approved and never signed', { conditions: [{ type: 'Approved' }] }, '2026-01-01T00:00:00Z', 'nobody signs csr'],
    ['denied', { conditions: [{ type: 'Denied', message: 'no' }] }, '2026-01-01T00:09:59Z', 'csr is refused: no'],
  ])('of a request for a serving certificate that is %s says what is wrong', (_, status, creationTimestamp, detail) => {
    const request = { metadata: { name: 'csr', creationTimestamp }, spec: { username: 'u', signerName: 's' }, status };
    expect(judgeSigning(request, NOW_MS)?.detail.replace(/ as s$/, '')).toBe(detail);
  });

  test('names what a role grants verb by verb, with subresource, name and namespace', () => {
    const role = {
      kind: 'Role',
      metadata: { name: 'r', namespace: 'n' },
      rules: [
        { apiGroups: [''], resources: ['pods/log'], verbs: ['get', 'list'] },
        { apiGroups: ['apps'], resources: ['daemonsets'], resourceNames: ['a'], verbs: ['get'] },
      ],
    };
    expect(needsOfRoles([role, { kind: 'Service', metadata: { name: 's' } }]).map(needText)).toEqual([
      'get pods/log in n',
      'list pods/log in n',
      'get daemonsets.apps a in n',
    ]);
  });

  test('asks about what a provider in the cluster needs by its configuration, in every zone', async () => {
    const zones = { names: ['a', 'b'] };
    const signer = 'beta.eks.amazonaws.com/app-serving';
    const config = { provider: 'simulated', virtualNode: { name: 'n' }, zones, kubeletEndpoint: { signer } };
    const patient = { virtualNode: 'n', namespace: 'ns', nodes: ['n-a', 'n-b'] };
    const needs = (await providerNeeds(patient, config)).map(needText);
    expect(needs).toEqual(
      expect.arrayContaining([
        'patch endpointslices.discovery.k8s.io nodeless-cells-n-a in ns',
        'patch endpointslices.discovery.k8s.io nodeless-cells-n-b in ns',
        `approve signers.certificates.k8s.io ${signer}`,
        'impersonate users system:node:n-b',
      ]),
    );
    const elsewhere = (await providerNeeds(patient, undefined)).map(needText);
    expect(elsewhere).toContain('impersonate users system:node:n-b');
    expect(elsewhere.filter((need) => /signers|nodeless-cells/.test(need))).toEqual([]);
  });

  test.each([
    [['kube-proxy', 'aws-node'], 'ok'],
    [['cilium'], 'warning'],
    [['kube-proxy'], 'unknown'],
  ])('takes a network of %j for %s', (names, outcome) => {
    expect(judgeNetwork(names).outcome).toBe(outcome);
  });

  test('goes on when a check can not be made, and says so', async () => {
    const finding = await examined('DNS', () => Promise.reject(new Error('no route')));
    expect(finding).toEqual(unknown('DNS', 'no route'));
  });

  test('has the fix below what is wrong, and an exit code that tells wrong from not known', () => {
    const findings = [ok('a', 'fine'), failed('bcd', 'bad', 'mend it')];
    expect(findingsText(findings)).toBe('✓ a    fine\n✗ bcd  bad\n       → mend it\n');
    expect(exitCodeOf(findings)).toBe(1);
    expect(exitCodeOf([ok('a', ''), unknown('b', '')])).toBe(2);
    expect(exitCodeOf([ok('a', ''), warning('b', '', '')])).toBe(0);
  });
});
