import { expect, test } from 'vitest';
import { StartRecord } from '../../../src/warm-pool/start-record.ts';

const DAY_MS = 86_400_000;

test.each([
  ['stay after a quiet day', false, 3_000],
  ['are forgotten after it where they keep a pool from holding any, so that it tries again', true, 900],
])('warm starts that were measured %s', (_, isUnreachable, expectedMs) => {
  const record = new StartRecord();
  for (let start = 0; start < 5; start += 1) record.started('warm', 3_000, start);
  const { warm } = record.measured('local', { ms: 5_000, isUnreachable }, DAY_MS);
  expect(warm.quantileMs(0.5)).toBe(expectedMs);
});
