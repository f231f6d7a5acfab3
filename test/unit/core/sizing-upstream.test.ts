import { readFile } from 'node:fs/promises';
import type { V1PodSpec, V1PodStatus } from '@kubernetes/client-node';
import { describe, expect, test } from 'vitest';
import { effectiveRequest } from '../../../src/core/sizing.ts';

/**
 * Random pods as an API server stores them, and what `PodRequests` of k8s.io/component-helpers v0.34.4 says of each with
 * `UseStatusResources`: CPU in thousandths, all else in units, rounded up.
 */
const GIVEN = new URL('pod-requests.jsonl', import.meta.url);

interface Given {
  readonly pod: { readonly spec: V1PodSpec; readonly status: V1PodStatus };
  readonly requests: Readonly<Record<string, number>>;
}

const given = (await readFile(GIVEN, 'utf8'))
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Given);

function withoutZeros(amounts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(amounts).filter(([, amount]) => amount > 0));
}

describe('the effective request', () => {
  test('of each of many random pods is what Kubernetes’ own code says', () => {
    expect(given.length).toBeGreaterThan(100);
    for (const { pod, requests } of given) {
      const { cpuMilli, memoryBytes, ephemeralStorageBytes, extended } = effectiveRequest(pod);
      const ours = { cpu: cpuMilli, memory: memoryBytes, 'ephemeral-storage': ephemeralStorageBytes, ...extended };
      expect(withoutZeros(ours), JSON.stringify(pod)).toEqual(withoutZeros(requests));
    }
  });
});
