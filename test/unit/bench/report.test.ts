import { describe, expect, it } from 'vitest';
import type { Figure } from '../../bench/benchmark.ts';
import { jsonOf, markdownOf, type Report, rounded } from '../../bench/report.ts';
import { quantile, summaryOf } from '../../bench/statistics.ts';

function figure(values: readonly number[], aim?: Figure['aim']): Figure {
  return { name: 'all Ready', subject: 'nodeless', unit: 's', values, ...(aim === undefined ? {} : { aim }) };
}

function report(of: Figure): Report {
  const outcome = { name: 'burst', title: 'A burst.', seconds: 1, result: { figures: [of] } };
  return { date: '2026-01-01', machine: { cores: 2 }, benchmarks: [outcome] };
}

describe('a benchmark’s figures', () => {
  it('have quantiles between neighbours in proportion, whatever their order', () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
    expect(quantile([10, 0], 0.95)).toBe(9.5);
    expect(quantile([], 0.5)).toBeNaN();
  });

  it('are judged by the median, or by what the aim names', () => {
    expect(summaryOf(figure([1, 1, 9], { atMost: 1 })).met).toBe(true);
    expect(summaryOf(figure([1, 1, 9], { atMost: 1, by: 'max' })).met).toBe(false);
    expect(summaryOf(figure([], { atMost: 1 })).met).toBe(false);
    expect(summaryOf(figure([1]))).not.toHaveProperty('met');
  });

  it('leave rounds out in which they could not be told, and count the others', () => {
    expect(summaryOf(figure([Number.NaN, 1, 3], { atMost: 2 }))).toMatchObject({ median: 2, count: 2, met: true });
  });

  it('are shown with every value, the aim and the verdict', () => {
    const text = markdownOf(report(figure([1.25, 13.456, 2], { atMost: 1 })));
    expect(text).toContain('1.25, 13.5, 2');
    expect(text).toMatch(/≤ 1 +\| missed/);
    const { benchmarks } = JSON.parse(jsonOf(report(figure([3, 1, 2]))));
    expect(benchmarks[0].figures[0].values).toEqual([3, 1, 2]);
    expect(benchmarks[0].figures[0].summary.median).toBe(2);
  });

  it('are shown with three digits that count', () => {
    expect([0, 0.012345, 1, 1.5, 99.96, 1234.5, Number.NaN].map(rounded)).toEqual([
      '0',
      '0.0123',
      '1',
      '1.5',
      '100',
      '1235',
      '–',
    ]);
  });
});
