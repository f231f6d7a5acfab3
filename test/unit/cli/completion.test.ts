import { execa } from 'execa';
import { expect, test } from 'vitest';

const BIN = new URL('../../../bin/', import.meta.url).pathname;

/** What a command offers after these words, without what it says of them. */
async function offered(program: string, ...words: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await execa(`${BIN}${program}`, words, { stdin: 'ignore' });
  return stdout.split('\n').map((line) => line.split('\t')[0] ?? '');
}

const TIMEOUT_MS = 120_000;

test(
  'commands and their options are completed, for kubectl’s plugin too',
  async () => {
    expect(await offered('nodeless', 'complete', '--', 'uni')).toEqual(['uninstall', ':4']);
    expect(await offered('kubectl_complete-nodeless', 'uninstall', '--vi')).toEqual(['--virtual-node', ':4']);
    const [plugin, itself] = await Promise.all(
      ['kubectl-nodeless', 'nodeless'].map(async (name) => (await execa(`${BIN}${name}`, ['--version'])).stdout),
    );
    expect(plugin).toBe(itself);
  },
  TIMEOUT_MS,
);

test.each(['bash', 'zsh', 'fish'])(
  'the script for %s asks the program itself',
  async (shell) => {
    const { stdout } = await execa(`${BIN}nodeless`, ['completion', shell]);
    expect(stdout).toMatch(/nodeless complete --/);
    if (shell === 'bash') await execa('bash', ['-n'], { input: stdout });
  },
  TIMEOUT_MS,
);
