import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';

const DOCS = new URL('../../../docs/', import.meta.url);

const page = (name: string) => readFile(new URL(name, DOCS), 'utf8');
const result = async <T>(name: string) => JSON.parse(await page(`results/${name}.json`)) as T;
const told = (value: number) => Math.round(value).toLocaleString('en');

interface Suite {
  readonly passed: readonly string[];
  readonly failed: readonly { readonly name: string }[];
  readonly skipped: readonly unknown[];
  readonly seconds: number;
}

interface Figure {
  readonly name: string;
  readonly subject: string;
  readonly summary: { readonly count: number; readonly median: number | null; readonly met?: boolean };
}

/** Rows of the tables of a page: their cells, without heads. */
function rowsOf(text: string): readonly (readonly string[])[] {
  const rows = text.split('\n').filter((line) => /^\| (?!figure )/.test(line));
  return rows.map((row) => row.split('|').map((cell) => cell.trim()));
}

/** The part of docs/benchmarks.md that has one benchmark's table. */
function tableOf(text: string, name: string): string {
  const [, results = ''] = text.split('\n## Results\n');
  return results.split('\n### ').find((part) => part.startsWith(`${name}\n`)) ?? '';
}

describe('what pages say of results', () => {
  test.each(['conformance-node', 'conformance-all'])('is what %s has, and where it failed', async (name) => {
    const { passed, failed, skipped, seconds } = await result<Suite>(name);
    const text = (await page('conformance.md')).replaceAll('\n', ' ');
    const counts = `**${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped** in ${told(seconds)} s`;
    expect(text).toContain(counts);
    expect(text).toContain(`${passed.length + failed.length} specs`);
    expect(await page('results/README.md')).toContain(`${passed.length} of ${passed.length + failed.length} passed`);
  });

  test('is what the soak and the fuzzing found', async () => {
    const text = await page('results/README.md');
    const soak = await result<Record<'podsCreated' | 'cellsLaunched' | 'checks' | 'wantedKills', number>>('soak');
    const fuzz = await result<{ requests: number; floods: object; rssMib: Record<string, number> }>('fuzz');
    for (const words of [
      `${soak.wantedKills} provider kills`,
      `${soak.podsCreated} pods, ${soak.cellsLaunched} cells, ${told(soak.checks)} checks`,
      `${told(fuzz.requests)} requests and ${Object.keys(fuzz.floods).length} floods`,
      `${fuzz.rssMib.peak} MiB at its peak`,
    ])
      expect(text).toContain(words);
  });

  test('is what the benchmarks measured, figure by figure, and whether each aim is met', async () => {
    const { benchmarks } = await result<{ benchmarks: readonly { name: string; figures: readonly Figure[] }[] }>(
      'bench',
    );
    const text = await page('benchmarks.md');
    for (const { name, figures } of benchmarks) {
      const rows = rowsOf(tableOf(text, name));
      const heads = rows.map(([, figure, subject]) => `${name}: ${figure}, ${subject}`);
      expect(heads).toEqual(figures.map((one) => `${name}: ${one.name}, ${one.subject}`));
      for (const [index, { summary }] of figures.entries()) {
        const [, , , , median = '', ...more] = rows[index] ?? [];
        const wanted = summary.median ?? 0;
        if (summary.count > 0)
          expect(Math.abs(Number(median) - wanted), heads[index]).toBeLessThanOrEqual(wanted / 100);
        const verdict = summary.met === undefined ? '' : summary.met ? 'met' : 'missed';
        expect(more.at(-2), heads[index]).toBe(verdict);
      }
    }
  });
});
