import type { V1PodCondition, V1PodSpec } from '@kubernetes/client-node';
import { describe, expect, test } from 'vitest';
import type { WirePod } from '../../../src/kube/wire-pod.ts';
import { readinessProbes, runningContainers } from '../../../src/kubelet-endpoint/pod-evidence.ts';
import { judgeReadiness, markedNotReady } from '../../../src/pods/readiness.ts';

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
  const before = evidence(['web'], { successful: 7, failed: 2 });

  test('a probe that has succeeded since the first look is proof', () => {
    expect(judgeReadiness(pod(), undefined, before)).toBe('unknown');
    expect(judgeReadiness(pod(), before, before)).toBe('unknown');
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
    expect(judgeReadiness(bare, undefined, evidence(['a']))).toBe('ready');
    const slow = pod({ containers: [{ name: 'a', startupProbe: {} }] });
    expect(judgeReadiness(slow, undefined, evidence(['a']))).toBe('notReady');
  });

  test('a sidecar counts, an init container that has ended does not', () => {
    const spec = {
      containers: [{ name: 'a' }],
      initContainers: [{ name: 'i' }, { name: 's', restartPolicy: 'Always' }],
    };
    expect(judgeReadiness(pod(spec), undefined, evidence(['a']))).toBe('notReady');
    expect(judgeReadiness(pod(spec), undefined, evidence(['a', 's']))).toBe('ready');
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
