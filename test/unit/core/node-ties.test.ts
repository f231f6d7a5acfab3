import type { V1PodSpec, V1Volume } from '@kubernetes/client-node';
import { describe, expect, test } from 'vitest';
import { tiesOf } from '../../../src/core/node-ties.ts';

const main = { name: 'main' };

function kinds(spec: Partial<V1PodSpec>, csiDrivers: readonly string[] = []): readonly string[] {
  return tiesOf({ containers: [main], ...spec }, csiDrivers).map(({ kind, impossible }) =>
    impossible ? `${kind}!` : kind,
  );
}

describe('what ties a pod to its node', () => {
  const volumes: readonly (readonly [string, Omit<V1Volume, 'name'>, readonly string[]])[] = [
    ['a claim', { persistentVolumeClaim: { claimName: 'data' } }, ['persistent-volume!']],
    ['a claim of its own', { ephemeral: {} }, ['persistent-volume!']],
    ['a cloud disk', { awsElasticBlockStore: { volumeID: 'vol-1' } }, ['attached-volume!']],
    ['an inline CSI volume', { csi: { driver: 'secrets-store.csi.k8s.io' } }, ['csi-volume!']],
    ['a path of the host', { hostPath: { path: '/var/log' } }, ['host-path']],
    ['a scratch folder', { emptyDir: {} }, []],
    ['a ConfigMap', { configMap: { name: 'settings' } }, []],
    ['a Secret', { secret: { secretName: 'password' } }, []],
    ['projected tokens', { projected: { sources: [] } }, []],
    ['an image', { image: { reference: 'r' } }, []],
    ['a network file system, which nothing attaches', { nfs: { server: 's', path: '/' } }, []],
  ];

  test.each(volumes)('by volume: %s', (_title, source, expected) => {
    expect(kinds({ volumes: [{ name: 'data', ...source }] })).toEqual(expected);
  });

  test.each<readonly [string, Partial<V1PodSpec>]>([
    ['host-network', { hostNetwork: true }],
    ['host-pid', { hostPID: true }],
    ['host-ipc', { hostIPC: true }],
    ['privileged', { containers: [{ ...main, securityContext: { privileged: true } }] }],
    ['privileged', { initContainers: [{ ...main, securityContext: { privileged: true } }] }],
    ['privileged', { ephemeralContainers: [{ ...main, securityContext: { privileged: true } }] }],
    ['host-port', { containers: [{ ...main, ports: [{ containerPort: 80, hostPort: 80 }] }] }],
    ['host-port', { initContainers: [{ ...main, ports: [{ containerPort: 80, hostPort: 80 }] }] }],
  ])('%s', (kind, spec) => {
    expect(kinds(spec)).toEqual([kind]);
  });

  test('is nothing where such fields are there and say no', () => {
    const container = { ...main, securityContext: { privileged: false }, ports: [{ containerPort: 80, hostPort: 0 }] };
    expect(kinds({ hostNetwork: false, hostPID: false, hostIPC: false, containers: [container] })).toEqual([]);
  });

  test('is not an inline CSI volume whose driver cells have', () => {
    const volumes = [{ name: 'tls', csi: { driver: 'csi.cert-manager.io' } }];
    expect(kinds({ volumes }, ['csi.cert-manager.io'])).toEqual([]);
  });

  test('is told with the field that says so', () => {
    const container = { name: 'web', ports: [{ containerPort: 80, hostPort: 80 }] };
    const volumes = [{ name: 'data', hostPath: { path: '/' } }];
    const fields = tiesOf({ containers: [container], volumes }, []).map(({ field }) => field);
    expect(fields).toEqual(['spec.volumes "data"', 'spec.containers "web" hostPort']);
  });
});
