import { describe, expect, test } from 'vitest';
import { deliveryOf, evenly, together } from '../../bench/cells-changes.ts';
import { loggedAtMs } from '../../bench/cells-machine.ts';
import { MARK_ANNOTATION, MarkScanner } from '../../bench/hollow/marks.ts';

describe('the delivery of changes', () => {
  const sent = new Map([
    ['slice-1', 100],
    ['slice-2', 200],
    ['pod-3', 300],
  ]);
  const seen = { 'slice-1': [110, 130], 'slice-2': [205], 'pod-3': [304], 'slice-9': [1] };

  test('counts each watch that saw a change, from when it was sent', () => {
    expect(deliveryOf('slice', sent, seen, 2).each).toEqual([10, 30, 5]);
    expect(deliveryOf('pod', sent, seen, 1)).toEqual({ each: [4], last: [4], incomplete: 0 });
  });

  test('a change that a watch has missed is told, and its last delivery is not made up', () => {
    const { last, incomplete } = deliveryOf('slice', sent, seen, 2);
    expect(last).toEqual([30]);
    expect(incomplete).toBe(1);
  });

  test('a change that nobody saw is a missed one', () => {
    expect(deliveryOf('slice', new Map([['slice-5', 1]]), {}, 1)).toEqual({ each: [], last: [], incomplete: 1 });
  });

  test('that was seen later by some counts as seen by all', () => {
    const [early, late] = [{ 'slice-5': [3] }, { 'slice-5': [9], 'slice-6': [8] }];
    expect(together(early, late)).toEqual({ 'slice-5': [3, 9], 'slice-6': [8] });
    expect(deliveryOf('slice', new Map([['slice-5', 1]]), together(early, late), 2).last).toEqual([8]);
  });

  test('of too many values the ends and the middle stay', () => {
    const values = Array.from({ length: 1_001 }, (_, i) => 1_000 - i);
    expect(evenly(values, 3)).toEqual([0, 500, 1_000]);
    expect(evenly([3, 1], 3)).toEqual([3, 1]);
  });
});

describe('marks in a watch', () => {
  const line = (mark: string) =>
    `{"type":"MODIFIED","object":{"metadata":{"annotations":{"${MARK_ANNOTATION}":"${mark}"}}}}\n`;

  test.each([1, 7, 50, 10_000])('each is found once, in chunks of %d bytes', (size) => {
    const found: string[] = [];
    const scanner = new MarkScanner((mark) => found.push(mark));
    const bytes = Buffer.from(`${line('a-1')}{"type":"BOOKMARK"}\n${line('b-2')}${line('c-3')}`);
    for (let at = 0; at < bytes.length; at += size) scanner.take(bytes.subarray(at, at + size));
    expect(found).toEqual(['a-1', 'b-2', 'c-3']);
  });
});

describe('times in a kubelet’s log', () => {
  const log = [
    'garbage',
    'I1121 14:35:32.137294      61 server.go:529] "Kubelet version" kubeletVersion="v1.34.4"',
    'I1121 14:35:33.375853      61 apiserver.go:52] "Watching apiserver"',
    'I1121 14:35:39.000000      61 apiserver.go:52] "Watching apiserver"',
  ].join('\n');

  test('the first line with the words counts, to the millisecond', () => {
    expect(loggedAtMs(log, 'Watching apiserver', 2026)).toBe(Date.parse('2026-11-21T14:35:33.375Z'));
  });

  test('a line that is not there, or has no time, has none', () => {
    expect(loggedAtMs(log, 'just became ready', 2026)).toBeUndefined();
    expect(loggedAtMs(log, 'garbage', 2026)).toBeUndefined();
  });
});
