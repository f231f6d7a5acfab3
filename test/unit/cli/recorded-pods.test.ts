import { expect, test } from 'vitest';
import { podsOf } from '../../../src/cli/simulate/cluster-pods.ts';
import { recordingOf } from '../../../src/cli/simulate/recorded-pods.ts';
import type { WirePod } from '../../../src/kube/wire-pod.ts';
import { parseTrace } from '../../../src/warm-pool/simulation/trace-file.ts';
import { answer, scriptedApiServer } from '../../support/scripted-api-server.ts';

const NOW_MS = Date.parse('2026-01-31T08:30:00Z');

function pod(name: string, created: string, states: readonly object[], more: object = {}): WirePod {
  return {
    metadata: { name, namespace: 'x', creationTimestamp: created, ...more },
    spec: { containers: [{ name: 'c', resources: { requests: { cpu: '500m', memory: '1Gi' } } }] },
    status: { containerStatuses: states.map((state) => ({ state })) },
  } as unknown as WirePod;
}

const from = (startedAt: string, finishedAt: string) => ({ terminated: { startedAt, finishedAt } });

test('pods that there are become a trace that can be simulated, in order, with what does not count told', () => {
  const recording = recordingOf(
    [
      pod('runs', '2026-01-31T08:10:00Z', [{ running: { startedAt: '2026-01-31T08:10:30Z' } }]),
      pod('over', '2026-01-31T08:00:00Z', [
        from('2026-01-31T08:00:05Z', '2026-01-31T08:01:00Z'),
        from('2026-01-31T08:00:06Z', '2026-01-31T08:02:05Z'),
      ]),
      pod('waits', '2026-01-31T08:20:00Z', [{ waiting: { reason: 'ContainerCreating' } }]),
      pod('agent', '2026-01-31T08:00:00Z', [], { ownerReferences: [{ kind: 'DaemonSet' }] }),
    ],
    NOW_MS,
  );
  expect(recording).toMatchObject({ pods: 2, notStarted: 1, ofDaemonSets: 1 });
  const [workload] = parseTrace(recording.csv, 'x.csv').workloads;
  expect(workload?.shape).toBe('500m/1Gi');
  expect([...(workload?.arrivalMs ?? [])]).toEqual([0, 600_000]);
  expect([...(workload?.durationMs ?? [])]).toEqual([120_000, 1_170_000]);
});

test('all pages of the chosen pods are read', async () => {
  const asked: string[] = [];
  const server = await scriptedApiServer((_, response, url) => {
    asked.push(`${url.pathname} ${url.searchParams.get('labelSelector')} ${url.searchParams.get('continue')}`);
    const isFirst = url.searchParams.get('continue') === null;
    answer(response, 200, {
      metadata: isFirst ? { continue: 'b' } : {},
      items: [{ metadata: { name: 'x' }, spec: {} }],
    });
  });
  try {
    expect(await podsOf(server.client, { namespace: 'shop', selector: 'app=web' })).toHaveLength(2);
    expect(asked).toEqual(['/api/v1/namespaces/shop/pods app=web null', '/api/v1/namespaces/shop/pods app=web b']);
  } finally {
    await server.close();
  }
});
