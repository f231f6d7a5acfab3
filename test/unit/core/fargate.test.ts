import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fargateSize, pricePerHourUsd } from '../../../src/core/fargate.ts';

const GiB = 2 ** 30;
const MiB = 2 ** 20;

test.each([
  ['nothing', 0, 0, 250, 0.5],
  ['what fits with the 256 MiB that EKS adds', 250, 256 * MiB, 250, 0.5],
  ['what does not fit with them', 250, 257 * MiB, 250, 1],
  ['more memory than goes with so little CPU', 250, 2 * GiB, 500, 3],
  ['a CPU between two', 600, GiB, 1_000, 2],
  ['steps of 4 GiB', 5_000, 17 * GiB, 8_000, 20],
  ['steps of 8 GiB', 100, 100 * GiB, 16_000, 104],
  ['the largest', 16_000, 119 * GiB, 16_000, 120],
])('Fargate’s task for %s is the smallest that holds it', (_, cpuMilli, memoryBytes, cpu, gib) => {
  expect(fargateSize({ cpuMilli, memoryBytes })).toEqual({ cpuMilli: cpu, gib });
});

test('what is larger than any task counts as what it is', () => {
  expect(fargateSize({ cpuMilli: 32_000, memoryBytes: 7.75 * GiB })).toEqual({ cpuMilli: 32_000, gib: 8 });
});

test('a task is never smaller than what it is for, and a pod that asks for more is never cheaper', () => {
  const amount = fc.integer({ min: 0, max: 20_000 });
  fc.assert(
    fc.property(amount, amount, amount, amount, (cpuMilli, mib, moreCpu, moreMib) => {
      const price = (cpu: number, memory: number) => {
        const size = fargateSize({ cpuMilli: cpu, memoryBytes: memory * MiB });
        expect(size.cpuMilli).toBeGreaterThanOrEqual(cpu);
        expect(size.gib * GiB).toBeGreaterThanOrEqual(memory * MiB);
        return pricePerHourUsd(size.cpuMilli, size.gib);
      };
      const [small, large] = [price(cpuMilli, mib), price(cpuMilli + moreCpu, mib + moreMib)];
      // Beyond the largest task nothing is rounded up any more.
      if (cpuMilli + moreCpu <= 16_000) expect(large).toBeGreaterThanOrEqual(small);
    }),
  );
});

test('a task of 1 vCPU and 2 GiB costs what Fargate’s list says', () => {
  expect(pricePerHourUsd(1_000, 2)).toBeCloseTo(0.04937, 9);
});
