import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseNano } from '../../../src/core/quantity.ts';
import { fieldChanges } from '../../../src/install/field-changes.ts';
import { installObjects } from '../../../src/install/objects.ts';
import { fill } from '../../../src/install/placeholders.ts';
import type { KubeObject } from '../../../src/kube/objects.ts';

const NAMESPACE = 'nodeless-system';

async function installed(
  config: object,
  virtualNode = 'n',
  zones: readonly string[] = [],
): Promise<readonly KubeObject[]> {
  const named = { ...config, virtualNode: { name: virtualNode } };
  const provider = { image: 'r/nodeless:1', replicas: 2, config: named };
  return installObjects({ virtualNode, namespace: NAMESPACE, zones, provider });
}

function one(objects: readonly KubeObject[], kind: string, name: string): KubeObject {
  const found = objects.filter((object) => object.kind === kind && object.metadata.name === name);
  expect(found, `${kind} ${name}`).toHaveLength(1);
  return found[0] as KubeObject;
}

describe('a provider in the cluster', () => {
  test('is a Deployment whose pods are those that Services, budget and policy select, with what PodSecurity calls restricted', async () => {
    const objects = await installed({ provider: 'simulated' });
    const labels = { 'app.kubernetes.io/name': 'nodeless', 'app.kubernetes.io/instance': 'n' };
    const deployment = one(objects, 'Deployment', 'nodeless-n') as unknown as {
      spec: { replicas: number; template: { metadata: object; spec: { containers: readonly object[] } } };
    };
    expect(deployment.spec.replicas).toBe(2);
    expect(deployment.spec.template.metadata).toMatchObject({
      labels: { ...labels, 'nodeless.io/placement': 'ignore' },
    });
    expect(deployment.spec.template.spec).toMatchObject({
      serviceAccountName: 'nodeless',
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          image: 'r/nodeless:1',
          args: ['run', '--config', '/etc/nodeless/nodeless.yaml', '--address', '$(POD_IP)'],
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
    });
    for (const name of ['nodeless-n', 'nodeless-metrics-n'])
      expect(one(objects, 'Service', name)).toMatchObject({ spec: { selector: labels } });
    expect(one(objects, 'PodDisruptionBudget', 'nodeless-n')).toMatchObject({
      spec: { selector: { matchLabels: labels } },
    });
    expect(one(objects, 'NetworkPolicy', 'nodeless-n')).toMatchObject({
      spec: { podSelector: { matchLabels: labels } },
    });
    expect(JSON.stringify(objects)).not.toMatch(
      /VIRTUAL_NODE|NAMESPACE|NODE_|WORKLOAD|_PORT\b|REPLICAS|RESOURCES|CONFIG/,
    );
  });

  test('may have the memory that 1,000 cells take, and what all cells may hold of the cell API', async () => {
    const deployment = one(await installed({ provider: 'simulated' }), 'Deployment', 'nodeless-n');
    const { limits } = (
      deployment as unknown as {
        spec: { template: { spec: { containers: [{ resources: { limits: { memory: string } } }] } } };
      }
    ).spec.template.spec.containers[0].resources;
    const mebibyte = 2n ** 20n;
    expect(parseNano(limits.memory) / 10n ** 9n).toBeGreaterThan(
      ((2009n * 1000n) / 1024n) * mebibyte + (256n + 512n) * mebibyte,
    );
  });

  test('reads the configuration that was given, and is replaced when that changes', async () => {
    const [before, after] = [
      await installed({ provider: 'simulated' }),
      await installed({ provider: 'simulated', logLevel: 'debug' }),
    ];
    const read = (objects: readonly KubeObject[]) => {
      const { data } = one(objects, 'ConfigMap', 'nodeless-n') as unknown as { data: Record<string, string> };
      return parse(data['nodeless.yaml'] ?? '');
    };
    expect(read(before)).toEqual({
      provider: 'simulated',
      virtualNode: { name: 'n' },
      cellApi: { leaderService: true },
    });
    expect(read(after)).toMatchObject({ logLevel: 'debug' });
    const template = (objects: readonly KubeObject[]) =>
      (one(objects, 'Deployment', 'nodeless-n') as unknown as { spec: { template: object } }).spec.template;
    expect(template(after)).not.toEqual(template(before));
  });

  test('has for each zone a Service at its leader, on the port of that zone, and a grant for that slice alone', async () => {
    const config = { provider: 'simulated', zones: { names: ['a', 'b'] } };
    const objects = await installed(config, 'n', ['a', 'b']);
    expect(one(objects, 'Service', 'nodeless-cells-n-a')).toMatchObject({ spec: { ports: [{ port: 8443 }] } });
    expect(one(objects, 'Service', 'nodeless-cells-n-b')).toMatchObject({ spec: { ports: [{ port: 8444 }] } });
    expect(one(objects, 'Role', 'nodeless:n-b:cells')).toMatchObject({
      rules: [{ resources: ['endpointslices'], resourceNames: ['nodeless-cells-n-b'], verbs: ['patch'] }],
    });
    const slice = one(objects, 'EndpointSlice', 'nodeless-cells-n-a');
    expect(slice.metadata.labels).toMatchObject({ 'kubernetes.io/service-name': 'nodeless-cells-n-a' });
    expect(slice).not.toHaveProperty('endpoints');
    expect(one(objects, 'NetworkPolicy', 'nodeless-n')).toMatchObject({
      spec: {
        ingress: [{ ports: [{ port: 8443, endPort: 8444 }, { port: 10_250, endPort: 10_251 }, { port: 9443 }] }],
      },
    });
  });

  test('shares with another one only what is the same for both', async () => {
    const names = (objects: readonly KubeObject[]) =>
      new Map(objects.map((object) => [`${object.kind} ${object.metadata.namespace}/${object.metadata.name}`, object]));
    const [first, second] = [
      names(await installed({ provider: 'simulated' }, 'a')),
      names(await installed({ provider: 'simulated' }, 'b')),
    ];
    for (const [name, object] of first) if (second.has(name)) expect(second.get(name), name).toEqual(object);
  });
});

describe('monitors for the Prometheus operator', () => {
  test('find every replica by the metrics Service, and have the rules that a Prometheus reads from the file', async () => {
    const options = { virtualNode: 'n', namespace: NAMESPACE, monitors: true };
    const objects = await installObjects({
      ...options,
      provider: { image: 'i', replicas: 2, config: { provider: 'simulated' } },
    });
    const monitor = one(objects, 'ServiceMonitor', 'nodeless-n') as unknown as {
      spec: { selector: { matchLabels: object } };
    };
    expect(one(objects, 'Service', 'nodeless-metrics-n').metadata.labels).toMatchObject(
      monitor.spec.selector.matchLabels,
    );
    const file = new URL('../../../deploy/monitoring/rules.yaml', import.meta.url);
    expect(one(objects, 'PrometheusRule', 'nodeless').spec).toEqual(parse(await readFile(file, 'utf8')));
    expect((await installObjects(options)).map(({ kind }) => kind)).toContain('ServiceMonitor');
    expect((await installed({ provider: 'simulated' })).map(({ kind }) => kind)).not.toContain('ServiceMonitor');
  });
});

describe('placeholders', () => {
  test('of two that begin alike, the longer one is meant, and what they are filled with is not filled again', () => {
    expect(fill('NODE NODE_NAME', { NODE: 'NODE_NAME', NODE_NAME: 'b' })).toBe('NODE_NAME b');
  });
});

describe('what changes of an object', () => {
  test.each<[object, object, readonly string[]]>([
    [{ spec: { replicas: 2 } }, { spec: { replicas: 3 } }, ['spec.replicas: 2 → 3']],
    [{ spec: { a: [1, 2] } }, { spec: { a: [1] } }, ['spec.a.1: 2 → nothing']],
    [{ metadata: { labels: {} } }, { metadata: { labels: { a: 'b' } } }, ['metadata.labels.a: nothing → "b"']],
    [{ metadata: { resourceVersion: '1' }, status: 1 }, { metadata: { resourceVersion: '2' }, status: 2 }, []],
    [{ a: { b: 1 } }, { a: 1 }, ['a: {"b":1} → 1']],
  ])('%j to %j', (before, after, lines) => {
    expect(fieldChanges(before, after)).toEqual(lines);
  });
});
