import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { failuresIn } from '../../support/failures.ts';

const BROKEN = `
import { expect, test } from 'vitest';
test('the sky', () => expect('grey').toBe('blue'));
test('the sea', () => expect('wet').toBe('wet'));
`;

test('a report of vitest is told by the tests that failed, and the files that did as a whole', async () => {
  const folder = await mkdtemp(join(process.cwd(), 'node_modules', '.failures-'));
  try {
    await writeFile(join(folder, 'broken.test.mjs'), BROKEN);
    await writeFile(join(folder, 'whole.test.mjs'), "throw new Error('no power');\n");
    await writeFile(
      join(folder, 'vitest.config.mjs'),
      "export default { test: { include: ['*.test.mjs'], exclude: [] } };\n",
    );
    const output = join(folder, 'report.json');
    const args = ['run', '--root', folder, '--reporter=json', `--outputFile=${output}`];
    await execa(join('node_modules', '.bin', 'vitest'), args, { reject: false });
    const told = failuresIn(await readFile(output, 'utf8'));
    expect(told).toMatch(/broken\.test\.mjs\n {2}the sky\n {4}.*expected 'grey' to be 'blue'/);
    expect(told).toMatch(/whole\.test\.mjs\n {4}.*no power/);
    expect(told).not.toContain('the sea');
  } finally {
    await rm(folder, { recursive: true });
  }
});
