/** A command line of ours that a page writes. */
export interface DocCommand {
  /** As it is written. */
  readonly line: string;
  /** After `nodeless`. */
  readonly words: readonly string[];
  /** In a block that people copy, and so whole; else in a sentence, where values may be missing. */
  readonly isWhole: boolean;
}

const OURS = new Set(['nodeless', 'bin/nodeless', 'npx nodeless', 'kubectl nodeless']);
const BLOCK = /^```(?:sh|bash|console)[^\n]*\n([\s\S]*?)^```/gm;
/** Words, in quotes or not, and what ends a command in a shell. */
const TOKEN = /&&|\|\||[|;<>]|(?:\$\([^)]*\)|"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'|;<>&]|&(?!&))+/g;
const ENDS = new Set(['&&', '||', '|', ';', '<', '>']);

function unquoted(word: string): string {
  return word.replaceAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'/g, '$1$2');
}

/** The words of each command of a line of shell, without comments and variables that are set before it. */
export function shellCommands(line: string): readonly (readonly string[])[] {
  const bare = line.replace(/^\$ /, '').replace(/(^|\s)#.*$/, '');
  const commands: string[][] = [[]];
  for (const [token] of bare.matchAll(TOKEN)) {
    if (ENDS.has(token)) commands.push([]);
    else commands.at(-1)?.push(unquoted(token));
  }
  return commands
    .map((words) => words.slice(words.findIndex((word) => !/^[A-Z_]+=/.test(word))))
    .filter((words) => words.length > 0);
}

function oursIn(line: string, isWhole: boolean): readonly DocCommand[] {
  return shellCommands(line).flatMap(([first = '', second = '', ...rest]): DocCommand[] => {
    if (OURS.has(first)) return [{ line, words: [second, ...rest].filter((word) => word !== ''), isWhole }];
    return OURS.has(`${first} ${second}`) ? [{ line, words: rest, isWhole }] : [];
  });
}

/** The blocks of shell of a page that are for being run, in order; `mark` is what follows the language. */
export function blocksMarked(markdown: string, mark: string): readonly string[] {
  return [...markdown.matchAll(BLOCK)]
    .filter(([all]) => all.split('\n')[0]?.split(/\s+/).slice(1).includes(mark))
    .map(([, body = '']) => body);
}

/** Our own commands in a page: those of its blocks of shell, and those that its sentences name. */
export function commandsIn(markdown: string): readonly DocCommand[] {
  const blocks = [...markdown.matchAll(BLOCK)].flatMap(([, body = '']) => body.replaceAll(/\\\n\s*/g, '').split('\n'));
  const sentences = markdown.replaceAll(/^```[\s\S]*?^```/gm, '');
  const named = [...sentences.matchAll(/`((?:bin\/|kubectl )?nodeless\s[^`]+)`/g)].map(([, code = '']) => code);
  return [
    ...blocks.flatMap((line) => oursIn(line, true)),
    ...named.flatMap((code) => oursIn(code.replaceAll(/\s+/g, ' '), false)),
  ];
}
