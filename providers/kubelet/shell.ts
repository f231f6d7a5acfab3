/** A word that a POSIX shell takes literally. */
export function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A command line of literal words. */
export function commandLine(words: readonly string[]): string {
  return words.map(quote).join(' ');
}
