import { expect, test } from 'vitest';
import { referencesOf } from '../../../src/cell-api/resources/references.ts';
import type { WirePod } from '../../../src/kube/wire-pod.ts';
import { pod } from './harness.ts';

const of = (spec: object) => {
  const { secrets, configMaps, claims } = referencesOf(pod('p', { spec: { containers: [], ...spec } }) as WirePod);
  return { secrets: [...secrets], configMaps: [...configMaps], claims: [...claims] };
};
const NONE = { secrets: [], configMaps: [], claims: [] };
const env = [
  { name: 'A', valueFrom: { secretKeyRef: { name: 's1', key: 'k' } } },
  { name: 'B', valueFrom: { configMapKeyRef: { name: 'c1', key: 'k' } } },
  { name: 'C', value: 'plain' },
  { name: 'D', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
];
const envFrom = [{ secretRef: { name: 's2' } }, { configMapRef: { name: 'c2' } }];
const container = { name: 'x', env, envFrom };
const ofContainer = { secrets: ['s1', 's2'], configMaps: ['c1', 'c2'], claims: [] };

test.each<[string, object, object]>([
  ['containers', { containers: [container] }, ofContainer],
  ['init containers', { initContainers: [container] }, ofContainer],
  ['ephemeral containers', { ephemeralContainers: [container] }, ofContainer],
  ['image pull secrets', { imagePullSecrets: [{ name: 's' }, {}] }, { ...NONE, secrets: ['s'] }],
  ['Secret volumes', { volumes: [{ name: 'v', secret: { secretName: 's' } }] }, { ...NONE, secrets: ['s'] }],
  ['ConfigMap volumes', { volumes: [{ name: 'v', configMap: { name: 'c' } }] }, { ...NONE, configMaps: ['c'] }],
  [
    'projected volumes',
    {
      volumes: [
        {
          name: 'v',
          projected: {
            sources: [
              { secret: { name: 's' } },
              { configMap: { name: 'c' } },
              { downwardAPI: {} },
              { serviceAccountToken: { path: 't' } },
            ],
          },
        },
      ],
    },
    { ...NONE, secrets: ['s'], configMaps: ['c'] },
  ],
  [
    'CSI volumes',
    { volumes: [{ name: 'v', csi: { driver: 'd', nodePublishSecretRef: { name: 's' } } }] },
    { ...NONE, secrets: ['s'] },
  ],
  [
    'Azure files',
    { volumes: [{ name: 'v', azureFile: { secretName: 's', shareName: 'x' } }] },
    { ...NONE, secrets: ['s'] },
  ],
  ...['cephfs', 'cinder', 'flexVolume', 'iscsi', 'rbd', 'scaleIO', 'storageos'].map(
    (source): [string, object, object] => [
      source,
      { volumes: [{ name: 'v', [source]: { secretRef: { name: 's' } } }] },
      { ...NONE, secrets: ['s'] },
    ],
  ),
  ['claims', { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'pvc' } }] }, { ...NONE, claims: ['pvc'] }],
  [
    'ephemeral volumes',
    { volumes: [{ name: 'v', ephemeral: { volumeClaimTemplate: {} } }] },
    { ...NONE, claims: ['p-v'] },
  ],
  ['nothing', { volumes: [{ name: 'v', emptyDir: {} }] }, NONE],
])('references are found in %s', (_name, spec, expected) => {
  expect(of(spec)).toEqual(expected);
});
