import type { V1Container, V1PodSpec, V1PodStatus } from '@kubernetes/client-node';
import { describe, expect, test } from 'vitest';
import { resourcesOf } from '../../../src/core/resources.ts';
import { effectiveRequest, podNeed } from '../../../src/core/sizing.ts';

const MiB = 1024 ** 2;

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
    const spec = { containers: [{ name: 'c', resources: { requests: { cpu: '10m' } } }] };
    const need = podNeed({ spec }, defaults);
    expect(need.cpuMilli).toBe(10);
    expect(need.memoryBytes).toBe(256 * 1024 ** 2);
  });

  test('pod-level huge pages are counted once, and fall back to their limit', () => {
    const pages = { 'hugepages-2Mi': '8Mi' };
    const containers = [{ name: 'c', resources: { limits: { 'hugepages-2Mi': '4Mi' } } }];
    const request = (resources: object) => effectiveRequest({ spec: { containers, resources } }).extended;
    expect(request({ requests: pages })).toEqual({ 'hugepages-2Mi': 8 * MiB });
    expect(request({ limits: pages })).toEqual({ 'hugepages-2Mi': 8 * MiB });
  });

  test('a pod-level limit stands for a request that neither the pod nor a container makes', () => {
    const resources = { limits: { cpu: '4', memory: '1Gi' } };
    expect(requestOf({ containers: [{ name: 'c' }], resources })).toEqual([4000, 1024]);
    expect(requestOf({ containers: [container('100m', '64Mi')], resources })).toEqual([100, 64]);
  });

  test.each([
    ['is under way', undefined, 3000],
    ['is put off', 'Deferred', 3000],
    ['can not be done', 'Infeasible', 2000],
  ])('while a resize %s, what the kubelet gives is not counted less', (_, reason, milli) => {
    const given = { cpu: '2', memory: '64Mi' };
    const containerStatuses = [{ name: 'c', allocatedResources: given, resources: { requests: { cpu: '1' } } }];
    const conditions = reason === undefined ? [] : [{ type: 'PodResizePending', status: 'True', reason }];
    const status = { containerStatuses, conditions } as unknown as V1PodStatus;
    expect(effectiveRequest({ spec: { containers: [container('3', '64Mi')] }, status }).cpuMilli).toBe(milli);
  });

  test('a resize to less counts only when the kubelet has done it', () => {
    const status = (cpu: string) =>
      ({ containerStatuses: [{ name: 'c', resources: { requests: { cpu } } }] }) as unknown as V1PodStatus;
    const spec = { containers: [container('1', '64Mi')] };
    expect(effectiveRequest({ spec, status: status('2') }).cpuMilli).toBe(2000);
    expect(effectiveRequest({ spec, status: status('1') }).cpuMilli).toBe(1000);
  });

  test('a sum that no number holds exactly is refused', () => {
    const containers = [container('1', '7Pi'), container('1', '7Pi')];
    expect(() => effectiveRequest({ spec: { containers } })).toThrow(
      /memory is asked for in more than any machine has/,
    );
  });
});
