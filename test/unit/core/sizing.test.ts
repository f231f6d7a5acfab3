import type { V1Container, V1PodSpec } from '@kubernetes/client-node';
import { describe, expect, test } from 'vitest';
import { resourcesOf } from '../../../src/core/resources.ts';
import { effectiveRequest, podNeed } from '../../../src/core/sizing.ts';

function container(cpu: string, memory: string, more: Partial<V1Container> = {}): V1Container {
  return { name: 'c', image: 'i', resources: { requests: { cpu, memory } }, ...more };
}

function requestOf(spec: V1PodSpec) {
  const { cpuMilli, memoryBytes } = effectiveRequest({ spec });
  return [cpuMilli, memoryBytes / 1024 ** 2];
}

describe('effective request', () => {
  test('containers add up', () => {
    expect(requestOf({ containers: [container('100m', '64Mi'), container('1', '1Gi')] })).toEqual([1100, 1088]);
  });

  test('init containers run one by one, so only the largest counts', () => {
    const initContainers = [container('2', '32Mi'), container('1', '2Gi')];
    expect(requestOf({ containers: [container('100m', '64Mi')], initContainers })).toEqual([2000, 2048]);
  });

  test('a sidecar counts with the containers and with the init containers after it, not before it', () => {
    const sidecar = container('500m', '100Mi', { restartPolicy: 'Always' });
    const big = container('2', '64Mi');
    expect(requestOf({ containers: [container('100m', '64Mi')], initContainers: [sidecar, big] })).toEqual([2500, 164]);
    expect(requestOf({ containers: [container('100m', '64Mi')], initContainers: [big, sidecar] })).toEqual([2000, 164]);
  });

  test('pod-level requests replace the sum, overhead comes on top', () => {
    const spec = {
      containers: [container('100m', '64Mi')],
      resources: { requests: { cpu: '3' } },
      overhead: { cpu: '250m', memory: '120Mi' },
    };
    expect(requestOf(spec)).toEqual([3250, 184]);
  });

  test('a limit without a request counts as the request', () => {
    const limited = { name: 'c', resources: { limits: { cpu: '2', 'nvidia.com/gpu': '1' } } };
    const request = effectiveRequest({ spec: { containers: [limited] } });
    expect(request.cpuMilli).toBe(2000);
    expect(request.extended).toEqual({ 'nvidia.com/gpu': 1 });
  });

  test('the default fills only the dimensions that the pod leaves open', () => {
    const defaults = resourcesOf({ cpu: '250m', memory: '256Mi' });
    const need = podNeed({ spec: { containers: [{ name: 'c', resources: { requests: { cpu: '10m' } } }] } }, defaults);
    expect(need.cpuMilli).toBe(10);
    expect(need.memoryBytes).toBe(256 * 1024 ** 2);
  });
});
