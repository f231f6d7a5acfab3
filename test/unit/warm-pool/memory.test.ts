import { deflateRawSync, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ArrivalLog } from '../../../src/warm-pool/arrival-log.ts';
import { readMemory, writeMemory } from '../../../src/warm-pool/memory.ts';

const NOON_MS = Date.UTC(2026, 0, 7, 12);
const WEEK_S = 7 * 86_400;
const NONE = { leadMs: [], coldMs: [], warmMs: [], resumeMs: [], resumedMs: [] };

test('what is written is read again, to the pod and the second', () => {
  const arrivals = fc.array(fc.tuple(fc.integer({ min: 0, max: 100_000 }), fc.integer({ min: 1, max: 99 })));
  fc.assert(
    fc.property(arrivals, fc.array(fc.integer({ min: 0, max: 9_999 }), { maxLength: 200 }), (list, leadMs) => {
      const log = new ArrivalLog();
      let atMs = NOON_MS;
      for (const [gapMs, pods] of list) {
        atMs += gapMs;
        log.add(atMs, pods);
      }
      const again = readMemory(
        writeMemory({ log, leadMs, coldMs: [1], warmMs: [], resumeMs: leadMs, resumedMs: [2] }),
        atMs,
      );
      expect(again?.log.bins).toEqual(log.bins);
      expect(again).toMatchObject({ leadMs, coldMs: [1], warmMs: [], resumeMs: leadMs, resumedMs: [2] });
    }),
  );
});

test('of a pod every few seconds for a week no more is written than a status has room for, and no pod is left out', () => {
  const log = new ArrivalLog();
  let pods = 0;
  for (let second = 0; second < WEEK_S; second += 1 + ((second * 7_919) % 11)) {
    pods += 1 + (second % 3);
    log.add(NOON_MS + second * 1_000, 1 + (second % 3));
  }
  const text = writeMemory({ log, ...NONE });
  expect(text.length).toBeLessThanOrEqual(24_576);
  const again = readMemory(text, NOON_MS + WEEK_S * 1_000);
  expect(again?.log.bins.reduce((sum, bin) => sum + bin.pods, 0)).toBe(pods);
  expect(again?.log.widthMs).toBeLessThanOrEqual(120_000);
});

const packed = (value: unknown) => deflateRawSync(JSON.stringify(value)).toString('base64');
const GOOD = { version: 1, widthMs: 1_000, fromMs: NOON_MS, bins: [0, 1, 1], ...NONE };

test.each([
  ['nothing', undefined],
  ['no text', 5],
  ['no base64', '%%%'],
  ['nothing that inflates', Buffer.from('hello').toString('base64')],
  ['what inflates to more than a mebibyte', deflateRawSync(' '.repeat(9_000_000)).toString('base64')],
  ['another version', packed({ ...GOOD, version: 2 })],
  ['pods below none', packed({ ...GOOD, bins: [0, -1, 1] })],
  ['bins of no width', packed({ ...GOOD, widthMs: 0 })],
  ['pods that have not come yet', packed({ ...GOOD, fromMs: NOON_MS + 1 })],
])('%s is no memory', (_, text) => {
  expect(readMemory(packed(GOOD), NOON_MS)).toBeDefined();
  expect(readMemory(text, NOON_MS)).toBeUndefined();
});

test('a pool that has had no stopped cells writes nothing of them, for versions that know none', () => {
  const text = writeMemory({ log: new ArrivalLog(), ...NONE });
  expect(inflateRawSync(Buffer.from(text, 'base64')).toString()).not.toContain('resume');
  expect(readMemory(text, NOON_MS)).toMatchObject({ resumeMs: [], resumedMs: [] });
});
