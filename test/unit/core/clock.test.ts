import { expect, test } from 'vitest';
import { systemUptimeMs } from '../../../src/core/clock.ts';

test('the uptime is in whole milliseconds, so that differences of two are as well', () => {
  expect(systemUptimeMs()).toBeGreaterThan(0);
  expect(Number.isSafeInteger(systemUptimeMs())).toBe(true);
});
