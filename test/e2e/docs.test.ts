import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { noMachines } from '../support/cells.ts';
import { blocksMarked } from '../support/doc-commands.ts';
import { toolsOf } from '../support/kubectl.ts';
import { CLUSTER } from './global-setup.ts';

const tools = toolsOf(CLUSTER);
const ROOT = new URL('../../', import.meta.url);
const BLOCK_TIMEOUT_MS = 420_000;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'docs-'));
  await mkdir(join(folder, 'bin'));
  await symlink(fileURLToPath(new URL('bin/nodeless', ROOT)), join(folder, 'bin', 'nodeless'));
  await symlink(tools.kubectlPath, join(folder, 'bin', 'kubectl'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Runs a block as whoever copies it to a shell that stops at the first failure. */
async function run(block: string): Promise<{ readonly exitCode?: number | undefined; readonly said: string }> {
  const path = [join(folder, 'bin'), process.env.PATH].join(':');
  const env = { PATH: path, KUBECONFIG: tools.kubeconfig };
  const options = { cwd: folder, env, timeout: BLOCK_TIMEOUT_MS, reject: false, all: true, stdin: 'ignore' } as const;
  const { exitCode, all } = await execa('bash', ['-xeuo', 'pipefail', '-c', block], options);
  return { exitCode, said: all };
}

test(
  'what the quickstart says to run on the local cluster goes well, and leaves nothing',
  async () => {
    const page = await readFile(new URL('docs/quickstart.md', ROOT), 'utf8');
    const [block = ''] = blocksMarked(page, 'run');
    const { exitCode, said } = await run(block);
    expect([exitCode, exitCode === 0 ? '' : said]).toEqual([0, '']);
    expect(said).toMatch(/leader: /);
    expect(said).toMatch(/cell-\S+ +default\/tour-/);
    await noMachines(CLUSTER);
  },
  BLOCK_TIMEOUT_MS,
);

test('a command of a block that fails is found out', async () => {
  expect((await run('nodeless status\nnodeless cells show no-such-cell | cat\ntrue')).exitCode).not.toBe(0);
});
