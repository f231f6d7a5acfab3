import { glob, readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { REFERENCES } from '../../docs/references.ts';

const ROOT = new URL('../../../', import.meta.url);

describe('generated documents', () => {
  test.each(Object.entries(REFERENCES))(
    '%s says what the code says (npm run docs writes it)',
    async (path, generate) => {
      expect(await readFile(new URL(path, ROOT), 'utf8')).toBe(generate());
    },
  );
});

/** Names of the series that files make. */
async function seriesIn(pattern: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const file of glob(pattern, { cwd: ROOT })) {
    const text = await readFile(new URL(file, ROOT), 'utf8');
    found.push(...[...text.matchAll(/name: '(nodeless_\w+)'/g)].map(([, name = '']) => name));
  }
  return found;
}

test('every series that is made anywhere is in docs/metrics.md, and no other', async () => {
  const made = await seriesIn('{src,webhooks,providers}/**/*.ts');
  const told = [...(await readFile(new URL('docs/metrics.md', ROOT), 'utf8')).matchAll(/^\| `(\w+)` \|/gm)];
  expect(new Set(told.map(([, name]) => name))).toEqual(new Set(made));
});
