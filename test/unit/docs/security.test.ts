import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';

const ROOT = new URL('../../../', import.meta.url);
const PAGE = await readFile(new URL('docs/security.md', ROOT), 'utf8');

interface NamedTest {
  readonly file: string;
  readonly title: string;
}

/** The tests that a page names, each as `FILE › TITLE` in backquotes. */
function testsIn(page: string): readonly NamedTest[] {
  return [...page.matchAll(/`([\w/-]+\.test\.ts) › ([^`]+)`/g)].map(([, file = '', title = '']) => ({ file, title }));
}

/** True when the source has a test, or a table of tests, of exactly this title. */
function hasTest(source: string, title: string): boolean {
  const literal = title.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  return new RegExp(`(?:\\b(?:test|it)|\\))\\(\\s*(['"\`])${literal}\\1,`).test(source);
}

/** The rows of the tables of threats: all but their heads. */
function threatsIn(page: string): readonly string[] {
  const [, threats = ''] = /\n## Threats\n(.*?)\n## /s.exec(page) ?? [];
  const rows = threats.split('\n').filter((line) => line.startsWith('|'));
  return rows.filter((row, index) => !row.startsWith('|---') && !rows[index + 1]?.startsWith('|---'));
}

describe('docs/security.md', () => {
  const named = testsIn(PAGE);

  test.each(named.map(({ file, title }) => [file, title] as const))('%s has the test "%s"', async (file, title) => {
    expect(hasTest(await readFile(new URL(`test/${file}`, ROOT), 'utf8'), title)).toBe(true);
  });

  test('names a test in each line of its threats', () => {
    const rows = threatsIn(PAGE);
    expect(rows.length).toBeGreaterThan(30);
    expect(rows.filter((row) => testsIn(row).length === 0)).toEqual([]);
  });

  test('a title that no test has, and one that is only part of another, are found out', () => {
    const source = "test('a guarantee that holds', () => {});\ntest.each([1])(\n  'for %s',\n  () => {});";
    expect(hasTest(source, 'a guarantee that holds')).toBe(true);
    expect(hasTest(source, 'for %s')).toBe(true);
    expect(hasTest(source, 'a guarantee')).toBe(false);
    expect(hasTest(source, 'something else')).toBe(false);
    expect(testsIn('x `e2e/a.test.ts › that` y `src/a.ts`')).toEqual([{ file: 'e2e/a.test.ts', title: 'that' }]);
  });
});
