import { glob, readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { createProgram } from '../../../src/cli/program.ts';
import { blocksMarked, commandsIn, type DocCommand, shellCommands } from '../../support/doc-commands.ts';

const ROOT = new URL('../../../', import.meta.url);
const PAGES: string[] = [];
for await (const page of glob(['README.md', 'CONTRIBUTING.md', 'docs/**/*.md'], { cwd: ROOT })) PAGES.push(page);

/** Ours, but it does nothing and ends nothing. */
function inert(command: Command): Command {
  command.exitOverride().configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
  // One that has only subcommands must go on to refuse others.
  if ('_actionHandler' in command && command._actionHandler !== null) command.action(() => undefined);
  command.commands.forEach(inert);
  return command;
}

/** What our own command says against a whole command line. */
function refusal(words: readonly string[]): string | undefined {
  try {
    inert(createProgram()).parse([...words], { from: 'user' });
    return undefined;
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return code === 'commander.helpDisplayed' || code === 'commander.version' ? undefined : message;
  }
}

/** The first word of a command in a sentence that is no command or option of ours. */
function unknownWord(words: readonly string[]): string | undefined {
  let command = createProgram();
  for (const word of words) {
    const option = word.split('=')[0] ?? '';
    const known = [...command.options.flatMap(({ short, long }) => [short, long]), '-h', '--help'];
    if (word === '…') return undefined;
    if (/^--?[a-z]/.test(word) && !known.includes(option)) return word;
    const next = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
    const takesWords = command.parent !== null && command.registeredArguments.length + command.options.length > 0;
    if (next !== undefined) command = next;
    else if (!word.startsWith('-') && !takesWords) return word;
  }
  return undefined;
}

function wrong({ line, words, isWhole }: DocCommand): readonly string[] {
  const why = isWhole ? refusal(words) : unknownWord(words);
  return why === undefined ? [] : [`${line}: ${why}`];
}

describe('commands that pages write', () => {
  test.each(PAGES)('in %s are ones that there are', async (page) => {
    const commands = commandsIn(await readFile(new URL(page, ROOT), 'utf8'));
    expect(commands.flatMap(wrong)).toEqual([]);
  });

  test('are found', async () => {
    const all = await Promise.all(PAGES.map((page) => readFile(new URL(page, ROOT), 'utf8')));
    const commands = all.flatMap(commandsIn);
    expect(commands.filter(({ isWhole }) => isWhole).length).toBeGreaterThan(15);
    expect(commands.length).toBeGreaterThan(80);
  });

  test.each([
    ['```sh\nnodeless instal\n```', 'unknown command'],
    ['```sh\nnodeless install --confg f\n```', 'unknown option'],
    ['```sh\nX=1 bin/nodeless plan\n```', "required option '-f, --filename <file>'"],
    ['```sh\nnpm ci && nodeless cells show\n```', "missing required argument 'cell'"],
    ['```sh\nnodeless cells -o xml | head # all\n```', 'Allowed choices'],
    ['it is `nodeless instal`', 'instal'],
    ['or `kubectl nodeless cells -o wide --al`', '--al'],
  ])('%s is found out', (page, why) => {
    const [said] = commandsIn(page).flatMap(wrong);
    expect(said).toContain(why);
  });

  test('are told from what is beside them', () => {
    expect(shellCommands('A=1 a \'b c\' -x="d|e" && f $(g -h) > i # j')).toEqual([
      ['a', 'b c', '-x=d|e'],
      ['f', '$(g -h)'],
      ['i'],
    ]);
    expect(commandsIn('```yaml\nnodeless x\n```\n`nodeless.yaml` `kubectl get nodeless`')).toEqual([]);
    expect(blocksMarked('```sh\na\n```\n```sh run\nb\nc\n```\n', 'run')).toEqual(['b\nc\n']);
  });
});
