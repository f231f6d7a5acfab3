import { expect, test } from 'vitest';
import { createNodeUsage } from '../../../src/kubelet-endpoint/node-usage.ts';

test('CPU time adds up what each pod has used since it was seen last', () => {
  const usage = createNodeUsage();
  usage.observe('a', { cpuCoreSeconds: 10, workingSetBytes: 1 });
  usage.observe('b', { cpuCoreSeconds: 4 });
  usage.observe('a', { cpuCoreSeconds: 12, workingSetBytes: 5 });
  expect(usage.totals()).toEqual({ cpuCoreSeconds: 16, workingSetBytes: 5 });
});

test('an older reading that comes late changes nothing, a counter that began anew counts on', () => {
  const usage = createNodeUsage();
  usage.observe('a', { cpuCoreSeconds: 10 });
  usage.observe('a', { cpuCoreSeconds: 9 });
  usage.observe('a', { cpuCoreSeconds: 10 });
  expect(usage.totals().cpuCoreSeconds).toBe(10);
  usage.observe('a', { cpuCoreSeconds: 1 });
  expect(usage.totals().cpuCoreSeconds).toBe(11);
});

test('a pod that is gone for a moment is not counted twice, and in the end it is forgotten', () => {
  const usage = createNodeUsage();
  usage.observe('a', { cpuCoreSeconds: 10, workingSetBytes: 3 });
  usage.retain(new Set(), 0);
  expect(usage.totals()).toEqual({ cpuCoreSeconds: 10, workingSetBytes: 0 });
  usage.observe('a', { cpuCoreSeconds: 11 });
  expect(usage.totals().cpuCoreSeconds).toBe(11);
  usage.retain(new Set(), 1_000);
  usage.retain(new Set(), 700_000);
  usage.observe('a', { cpuCoreSeconds: 11 });
  expect(usage.totals().cpuCoreSeconds).toBe(22);
});

test('numbers that can not be are not counted', () => {
  const usage = createNodeUsage();
  for (const cpuCoreSeconds of [-1, Number.NaN, Number.POSITIVE_INFINITY, 1e30]) usage.observe('a', { cpuCoreSeconds });
  usage.observe('a', { workingSetBytes: 1e30 });
  expect(usage.totals()).toEqual({ cpuCoreSeconds: 0, workingSetBytes: 0 });
});
