import type { V1PodCondition, V1PodSpec } from '@kubernetes/client-node';
import { describe, expect, test } from 'vitest';
import type { WirePod } from '../../../src/kube/wire-pod.ts';
import { readinessProbes, runningContainers } from '../../../src/kubelet-endpoint/pod-evidence.ts';
import { firstLookOf, judgeReadiness, lookEveryMs, markedNotReady } from '../../../src/pods/readiness.ts';

const MARKED: readonly V1PodCondition[] = [
  { type: 'ContainersReady', status: 'True' },
  { type: 'Ready', status: 'False' },
];

function pod(spec: Partial<V1PodSpec> = {}, conditions: readonly V1PodCondition[] = MARKED): WirePod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'ns', uid: 'u' },
    spec: { containers: [{ name: 'web', readinessProbe: {} }], ...spec },
    status: { phase: 'Running', conditions: [...conditions] },
  };
}

function evidence(running: readonly string[], web?: { successful: number; failed: number }) {
  return { running: new Set(running), probes: new Map(web === undefined ? [] : [['web', web]]) };
}

describe('a pod that was marked not Ready', () => {
  test('is one whose containers and gates are all ready, and that is running', () => {
    const readinessGates = [{ conditionType: 'lb' }];
    expect(markedNotReady(pod())).toBe(true);
    expect(markedNotReady(pod({ readinessGates }))).toBe(false);
    expect(markedNotReady(pod({ readinessGates }, [...MARKED, { type: 'lb', status: 'True' }]))).toBe(true);
    expect(
      markedNotReady(
        pod({}, [
          { type: 'ContainersReady', status: 'False' },
          { type: 'Ready', status: 'False' },
        ]),
      ),
    ).toBe(false);
    expect(
      markedNotReady(
        pod({}, [
          { type: 'ContainersReady', status: 'True' },
          { type: 'Ready', status: 'True' },
        ]),
      ),
    ).toBe(false);
    expect(markedNotReady({ ...pod(), metadata: { name: 'p', deletionTimestamp: 'now' } } as unknown as WirePod)).toBe(
      false,
    );
  });
});

describe('the judgement over readiness', () => {
  const NONE = new Map();
  const seen = { successful: 7, failed: 2 };
  const before = new Map([['web', seen]]);

  test('a probe that has succeeded since the first look is proof', () => {
    expect(judgeReadiness(pod(), NONE, evidence(['web'], seen))).toBe('unknown');
    expect(judgeReadiness(pod(), before, evidence(['web'], seen))).toBe('unknown');
    expect(judgeReadiness(pod(), before, evidence(['web'], { successful: 8, failed: 2 }))).toBe('ready');
  });

  test('a probe that has failed since leaves the word to the kubelet', () => {
    expect(judgeReadiness(pod(), before, evidence(['web'], { successful: 9, failed: 3 }))).toBe('notReady');
  });

  test('a container that does not run is not ready, whatever its probes said', () => {
    expect(judgeReadiness(pod(), before, evidence([], { successful: 9, failed: 2 }))).toBe('notReady');
  });

  test('without a readiness probe, running is being ready, unless a startup probe may be under way', () => {
    const bare = pod({ containers: [{ name: 'a' }] });
    expect(judgeReadiness(bare, NONE, evidence(['a']))).toBe('ready');
    const slow = pod({ containers: [{ name: 'a', startupProbe: {} }] });
    expect(judgeReadiness(slow, NONE, evidence(['a']))).toBe('notReady');
  });

  test('a sidecar counts, an init container that has ended does not', () => {
    const spec = {
      containers: [{ name: 'a' }],
      initContainers: [{ name: 'i' }, { name: 's', restartPolicy: 'Always' }],
    };
    expect(judgeReadiness(pod(spec), NONE, evidence(['a']))).toBe('notReady');
    expect(judgeReadiness(pod(spec), NONE, evidence(['a', 's']))).toBe('ready');
  });

  test('a kubelet that has restarted counts from 0 again, and is compared with its own first counts', () => {
    const restarted = evidence(['web'], { successful: 1, failed: 0 });
    expect(judgeReadiness(pod(), before, restarted)).toBe('unknown');
    expect(judgeReadiness(pod(), before, evidence(['web'], { successful: 8, failed: 0 }))).toBe('unknown');
    expect(judgeReadiness(pod(), before, evidence(['web'], { successful: 1, failed: 3 }))).toBe('unknown');
    const first = firstLookOf(before, restarted.probes);
    expect(judgeReadiness(pod(), first, evidence(['web'], { successful: 2, failed: 0 }))).toBe('ready');
    expect(judgeReadiness(pod(), first, evidence(['web'], { successful: 2, failed: 1 }))).toBe('notReady');
  });

  test('a probe that had found nothing at the first look is compared with what it finds first', () => {
    const first = firstLookOf(NONE, NONE);
    const next = firstLookOf(first, new Map([['web', { successful: 1, failed: 0 }]]));
    expect(judgeReadiness(pod(), next, evidence(['web'], { successful: 2, failed: 0 }))).toBe('ready');
  });

  test('what was seen first stays the first, however often is looked', () => {
    const first = firstLookOf(before, new Map([['web', { successful: 8, failed: 2 }]]));
    expect(first.get('web')).toEqual(seen);
    expect(firstLookOf(before, NONE).get('web')).toEqual(seen);
  });
});

describe('the time between looks', () => {
  const withPeriods = (...periods: (number | undefined)[]) =>
    pod({
      containers: periods.map((periodSeconds, at) => ({
        name: `c-${at}`,
        readinessProbe: periodSeconds === undefined ? {} : { periodSeconds },
      })),
    });

  test('covers the longest period of the pod’s readiness probes', () => {
    expect(lookEveryMs(withPeriods(1))).toBe(1_500);
    expect(lookEveryMs(withPeriods(3, 60, 5))).toBe(60_500);
    expect(lookEveryMs(withPeriods(undefined, 2))).toBe(10_500);
    expect(lookEveryMs(withPeriods(0))).toBe(1_500);
    expect(lookEveryMs(pod({ containers: [{ name: 'a' }] }))).toBe(10_500);
  });

  test('covers a sidecar’s probe', () => {
    const sidecar = { name: 's', restartPolicy: 'Always', readinessProbe: { periodSeconds: 30 } };
    expect(lookEveryMs(pod({ containers: [{ name: 'a' }], initContainers: [sidecar] }))).toBe(30_500);
  });
});

describe('what a kubelet tells', () => {
  test('running containers are read of the one pod', () => {
    const item = (uid: string, name: string) => ({ metadata: { uid }, spec: { containers: [{ name }] } });
    const text = JSON.stringify({ items: [item('other', 'x'), item('u', 'web')] });
    expect(runningContainers(text, 'u')).toEqual(new Set(['web']));
    expect(runningContainers('{}', 'u')).toEqual(new Set());
  });

  test('readiness probes are read of the one pod, and no other kind of probe', () => {
    const line = (uid: string, type: string, result: string, value: number) =>
      `prober_probe_total{container="web",namespace="ns",pod="p",pod_uid="${uid}",probe_type="${type}",result="${result}"} ${value}`;
    const text = [
      '# TYPE prober_probe_total counter',
      line('u', 'Readiness', 'successful', 12),
      line('u', 'Readiness', 'failed', 3),
      line('u', 'Readiness', 'unknown', 9),
      line('u', 'Liveness', 'successful', 40),
      line('other', 'Readiness', 'successful', 99),
    ].join('\n');
    expect(readinessProbes(text, 'u')).toEqual(new Map([['web', { successful: 12, failed: 3 }]]));
  });
});
