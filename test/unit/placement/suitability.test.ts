import { describe, expect, test } from 'vitest';
import { ownConstraints } from '../../../src/placement/own-terms.ts';
import { unsuitability } from '../../../src/placement/suitability.ts';

const containers = [{ name: 'c' }];

function obstacle(spec: object): string | undefined {
  return unsuitability({ metadata: { name: 'p' }, spec: { containers, ...spec } }, ['cell.example.com']);
}

function withVolume(source: object): object {
  return { volumes: [{ name: 'data', ...source }] };
}

describe('a pod that was bound to the virtual node past the webhook', () => {
  test.each([
    [
      withVolume({ persistentVolumeClaim: { claimName: 'x' } }),
      /spec.volumes "data" needs a persistent volume.*regular node/,
    ],
    [withVolume({ ephemeral: { volumeClaimTemplate: {} } }), /spec.volumes "data" needs a persistent volume/],
    [withVolume({ awsElasticBlockStore: { volumeID: 'v' } }), /spec.volumes "data" needs a persistent volume/],
    [withVolume({ iscsi: {} }), /spec.volumes "data" needs a persistent volume/],
    [withVolume({ csi: { driver: 'secrets.example.com' } }), /needs a CSI driver that no cell has.*regular node/],
    [{ resourceClaims: [{ name: 'gpu' }] }, /resource claim gpu needs a device driver/],
  ])('with %j can not run on a cell, and is told why with the remedy', (spec, message) => {
    expect(obstacle(spec)).toMatch(message);
  });

  test.each([
    [{}],
    [{ hostNetwork: true, hostPID: true, hostIPC: true }],
    [
      {
        containers: [
          { name: 'c', securityContext: { privileged: true }, ports: [{ containerPort: 80, hostPort: 80 }] },
        ],
      },
    ],
    [withVolume({ hostPath: { path: '/var' } })],
    [withVolume({ nfs: { server: 's', path: '/' } })],
    [withVolume({ emptyDir: {} })],
    [withVolume({ csi: { driver: 'cell.example.com' } })],
  ])('with %j runs: its machine can give that', (spec) => {
    expect(obstacle(spec)).toBeUndefined();
  });
});

test('of another operating system is given a cell, whose kubelet rejects it as any node’s does', () => {
  expect(obstacle({ os: { name: 'windows' } })).toBeUndefined();
});

describe('what a pod’s own spec asks of its machine', () => {
  const arch = { key: 'kubernetes.io/arch', operator: 'In', values: ['arm64'] };
  const zone = { key: 'topology.kubernetes.io/zone', operator: 'NotIn', values: ['a'] };
  const other = { key: 'team', operator: 'Exists' };

  function affinity(...terms: object[]): object {
    return { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } };
  }

  test.each([
    ['nothing', {}, undefined],
    ['a selector of the node alone', { nodeSelector: { type: 'virtual-kubelet' } }, undefined],
    ['a selector', { nodeSelector: { 'kubernetes.io/arch': 'arm64', team: 'a' } }, [[arch]]],
    ['a selector by an older name', { nodeSelector: { 'beta.kubernetes.io/arch': 'arm64' } }, [[arch]]],
    [
      'a term by an older name',
      { affinity: affinity({ matchExpressions: [{ ...arch, key: 'beta.kubernetes.io/arch' }] }) },
      [[arch]],
    ],
    [
      'terms',
      { affinity: affinity({ matchExpressions: [arch, other] }, { matchExpressions: [zone] }) },
      [[arch], [zone]],
    ],
    [
      'a term that any machine meets',
      { affinity: affinity({ matchExpressions: [arch] }, { matchExpressions: [other] }) },
      undefined,
    ],
    [
      'a selector with terms',
      { nodeSelector: { 'kubernetes.io/arch': 'arm64' }, affinity: affinity({ matchExpressions: [zone] }) },
      [[arch, zone]],
    ],
  ])('is read from %s', (_, spec, required) => {
    expect(ownConstraints({ containers, ...spec }).required).toEqual(required);
  });
});
