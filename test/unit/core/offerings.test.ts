import { describe, expect, test } from 'vitest';
import { isNodelessError } from '../../../src/core/errors.ts';
import { chooseOffering, type Offering } from '../../../src/core/offerings.ts';
import { resourcesOf } from '../../../src/core/resources.ts';

function offering(
  instanceType: string,
  cpu: string,
  memory: string,
  pricePerHourUsd: number,
  available = true,
): Offering {
  const allocatable = resourcesOf({ cpu, memory, 'ephemeral-storage': '20Gi' });
  return {
    instanceType,
    launchType: 'simulated',
    zone: 'a',
    arch: 'amd64',
    capacity: allocatable,
    allocatable,
    pricePerHourUsd,
    available,
  };
}

const LADDER = [
  offering('large', '4', '8Gi', 0.2),
  offering('small', '1', '2Gi', 0.05),
  offering('medium', '2', '4Gi', 0.1),
];

describe('choosing an offering', () => {
  test('the cheapest that covers the need wins, whatever the order', () => {
    const need = resourcesOf({ cpu: '1500m', memory: '1Gi' });
    expect(chooseOffering(need, LADDER).instanceType).toBe('medium');
    expect(chooseOffering(need, [...LADDER].reverse()).instanceType).toBe('medium');
  });

  test('equal prices are settled the same way each time', () => {
    const twins = [offering('b', '1', '2Gi', 0.05), offering('a', '1', '2Gi', 0.05)];
    expect(chooseOffering(resourcesOf({ cpu: '1' }), twins).instanceType).toBe('a');
  });

  test('a pod that fits nothing is told the nearest offering and what it lacks', () => {
    const need = resourcesOf({ cpu: '2', memory: '64Gi' });
    expect(() => chooseOffering(need, LADDER)).toThrow(
      /no offering fits 2 cpu, 64Gi: the nearest, large .* lacks memory/,
    );
  });

  test('exhausted offerings are a wait, not a refusal', () => {
    const exhausted = LADDER.map((one) => ({ ...one, available: false }));
    try {
      chooseOffering(resourcesOf({ cpu: '1' }), exhausted);
      expect.unreachable();
    } catch (error) {
      expect(isNodelessError(error, 'InsufficientCapacity') && error.retryable).toBe(true);
    }
  });

  test('an offering without the device is never chosen for a pod that asks for one', () => {
    expect(() => chooseOffering(resourcesOf({ cpu: '1', 'nvidia.com/gpu': '1' }), LADDER)).toThrow(/nvidia.com\/gpu/);
  });
});
