import { describe, expect, test } from 'vitest';
import { contest } from '../../../src/cli/simulate/contest.ts';
import { parseOptions } from '../../../src/cli/simulate/options.ts';
import { recommendation } from '../../../src/cli/simulate/recommendation.ts';
import { sparkline } from '../../../src/cli/simulate/sparkline.ts';
import { standingsSvg } from '../../../src/cli/simulate/standings-svg.ts';
import { standingsText } from '../../../src/cli/simulate/standings-text.ts';
import { simulateCommand } from '../../../src/cli/simulate-command.ts';
import { parseTrace } from '../../../src/warm-pool/simulation/trace-file.ts';

function optionsOf(given: Readonly<Record<string, unknown>> = {}) {
  return parseOptions({ ...simulateCommand().opts(), ...given });
}

/** Two pods at once every ten minutes for a day, of two shapes. */
const TRACE = parseTrace(
  [
    'arrival,duration,shape',
    ...Array.from({ length: 144 }, (_, index) => `${index * 600},5m,1/1Gi\n${index * 600},5m,2/4Gi`),
  ].join('\n'),
  'x.csv',
);

describe('nodeless simulate', () => {
  test('compares policies, with a pool for each shape, after the warm-up', () => {
    const result = contest(TRACE, optionsOf({ policy: ['none', 'best-fixed', 'fixed=3'], warmUp: '1h' }));
    expect(result.standings.map(({ policy, outcome }) => [policy, outcome.pods, outcome.attainment])).toEqual([
      ['none', 276, 0],
      ['best-fixed', 276, 1],
      ['fixed=3', 276, 1],
    ]);
    const [none, best, three] = result.standings.map(({ outcome }) => outcome.overheadUsd);
    expect(none).toBeLessThan(best as number);
    expect(best).toBeLessThan(three as number);
    const text = standingsText(result);
    expect(text).toContain('276 pods after the warm-up; 95 % should start within 5.0 s');
    expect(text).toMatch(/1\/1Gi: 95\.\d % of pods must find a cell: p95 of a cold start is \d\d\.\d s > 5\.0 s/);
    expect(text).toMatch(/^best-fixed +100\.0 % +100\.0 %/m);
    expect(text).toContain('fixed=3, 2/4Gi: 3 cells, as was set');
    expect(standingsSvg(result.standings).match(/<path /g)).toHaveLength(1 + 2 * 3);
  });

  test('recommends limits that a pool that sizes itself does not run into', () => {
    const result = contest(TRACE, optionsOf({ policy: ['predictive'] }));
    expect(recommendation(result)).toMatchObject([
      { shape: '1/1Gi', startupSla: { target: '5s', percentile: 95 }, min: 0 },
      { shape: '2/4Gi' },
    ]);
    result.standings[0]?.pools.forEach(({ most }, index) => {
      expect(recommendation(result)[index]?.max).toBeGreaterThanOrEqual(most);
    });
  });

  test('compares with pools that follow what runs', () => {
    const policy = ['headroom=50', 'target-tracking=50', 'none'];
    const shares = contest(TRACE, optionsOf({ policy })).standings.map(({ outcome }) => outcome.attainment);
    expect(shares[0]).toBe(1);
    expect(shares[1]).toBe(1);
  });

  test('says when no pool is needed', () => {
    const [requirement] = contest(TRACE, optionsOf({ startupSla: '5m', policy: [] })).requirements;
    expect(requirement?.text).toMatch(/^no pool is needed: p95 of a cold start is/);
  });

  test.each([
    [
      'an SLA that no pool can keep',
      { startupSla: '100ms' },
      /no pool can keep this SLA: p95 of a start on a ready cell is/,
    ],
    [
      'a policy that there is not',
      { policy: ['guess'] },
      /--policy: there is no policy "guess"; there are predictive,/,
    ],
    ['a count that is none', { policy: ['fixed=many'] }, /--policy: fixed needs a count, as in fixed=5/],
    ['min above max', { min: '5', max: '4' }, /--min: 5 is more than --max 4/],
    [
      'a budget below min',
      { min: '5', budget: '0.1' },
      /--budget: \$0\.1 an hour pays for \d cells at .*, and --min is 5/,
    ],
    ['a share that is none', { policy: ['headroom=x'] }, /--policy: headroom needs a percentage up to 1000/],
    ['a recommendation from nothing', { policy: ['none'], recommend: true }, /--recommend: needs --policy predictive/],
    ['a percentile that is none', { percentile: '100' }, /--percentile: /],
    ['a time that is none', { boot: 'long' }, /--boot: "long" is not a median and a 95th percentile such as 24s,34s/],
    ['percentiles in disorder', { boot: '9s,5s' }, /--boot: "9s,5s" is not/],
    ['a seed that is none', { seed: 'x' }, /--seed: must be a whole number/],
    ['a trace and a generator', { trace: 'x.csv', generator: 'poisson' }, /--generator: can not be given together/],
  ])('refuses %s', (_, given, message) => {
    expect(() => contest(TRACE, optionsOf(given))).toThrow(message);
  });

  test.each([
    ['1', /the shape "1" is not CPU\/MEMORY such as 500m\/1Gi/],
    ['1/x', /the shape "1\/x" is not/],
    ['100/1Gi', /no simulated cell is large enough for the shape 100\/1Gi/],
  ])('refuses the shape %s', (shape, message) => {
    expect(() => contest(parseTrace(`arrival,duration,shape\n1,2,${shape}`, 'x.csv'), optionsOf())).toThrow(message);
  });
});

test('a sparkline has a bar for each value, and a blank where there is none', () => {
  expect(sparkline([0, 0.5, 1, Number.NaN, 2, -1], 0, 1)).toBe('▁▅█ █▁');
});
