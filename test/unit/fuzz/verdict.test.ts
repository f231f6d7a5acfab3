import { describe, expect, test } from 'vitest';
import { foreignWords } from '../../fuzz/judge.ts';
import { EXPECTED_LIMITS, faultsOfRun, MAX_HELD, MUST_END, type Summary } from '../../fuzz/verdict.ts';

/** A run in which everything went well. */
function summaryOf(given: Partial<Summary> = {}): Summary {
  return {
    seed: 1,
    seconds: 100,
    requests: 1_000,
    byKind: {},
    byStatus: { 200: 100, 403: 820, 'none (http2: reset 1)': 80 },
    leaks: [],
    unanswered: [],
    rssMib: { before: 200, second: 300, last: 300, peak: 400, after: 300 },
    honest: { requests: 1_000, failed: 0, p50Ms: 2, p99Ms: 20, maxMs: 30 },
    limitsHit: Object.fromEntries(EXPECTED_LIMITS.map((reason) => [reason, 1])),
    floods: Object.fromEntries([
      ...MUST_END.map((name) => [name, { sent: 1, seconds: 1, ended: true }]),
      ...Object.entries(MAX_HELD).map(([name, held]) => [name, { sent: 1, seconds: 1, held }]),
    ]),
    harm: [],
    watched: {
      ...{ begun: 10, longestMs: 99_000, events: { lasting: {}, resumed: {} }, leaks: [], rounds: 100 },
      own: { lasting: [120, 100, 100], resumed: [118, 99, 99] },
    },
    ...given,
  };
}

const WANTED = { requests: 1_000, floods: true };

describe('the verdict on a run of the fuzzer', () => {
  test('passes one in which everything went well', () => {
    expect(faultsOfRun(summaryOf(), [], WANTED)).toEqual([]);
  });

  const { watched, floods } = summaryOf();
  const ownTold = (own: Partial<Summary['watched']['own']>): Partial<Summary> => ({
    watched: { ...watched, own: { ...watched.own, ...own } },
  });
  test.each<[string, Partial<Summary>]>([
    ['a request that was given up unanswered', { unanswered: ['7: {}'] }],
    [
      'more requests without an answer than HTTP itself refuses',
      { byStatus: { 200: 760, 'none (http2: reset 1)': 240 } },
    ],
    ['a watch that told of another cell', { watched: { ...watched, leaks: ['the watch of pods: canary'] } }],
    ['victims that were never changed', { watched: { ...watched, rounds: 0 } }],
    ['lasting watches that told nothing of one kind', ownTold({ lasting: [120, 0, 100] })],
    ['resumed watches that told too little', ownTold({ resumed: [118, 99, 49] })],
    ['watches that were all short', { watched: { ...watched, longestMs: 49_000 } }],
    [
      'a flood that left its connection open',
      { floods: { ...floods, 'rapid reset': { sent: 1, seconds: 1, ended: false } } },
    ],
    ['a flood that was not made', { floods: Object.fromEntries(Object.entries(floods).slice(1)) }],
  ])('fails one with %s', (_, given) => {
    expect(faultsOfRun(summaryOf(given), [], WANTED)).toHaveLength(1);
  });
});

describe('foreign words', () => {
  const forbidden = { secrets: ['canary1'], names: ['victim-1', '"10.0.0.7"'] };

  test('a secret is foreign whatever was said, a name unless the request has said it', () => {
    expect(foreignWords('{"word":"canary1"}', '/canary1', forbidden)).toEqual(['canary1']);
    expect(foreignWords('pods "victim-1" not found', '/pods/Victim-1', forbidden)).toEqual([]);
    expect(foreignWords('pods "victim-1" not found', '/pods/other', forbidden)).toEqual(['victim-1']);
  });

  test('an address is foreign in quotes only', () => {
    expect(foreignWords('"10.0.0.77"', '', forbidden)).toEqual([]);
    expect(foreignWords('"10.0.0.7"', '', forbidden)).toEqual(['"10.0.0.7"']);
  });
});
