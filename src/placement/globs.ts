const SPECIAL = /[.+^${}()|[\]\\]/g;

/** A pattern that matches what any of the globs matches as a whole; `*` is any text, `?` any one character. */
export function patternOf(globs: readonly string[]): RegExp {
  const sources = globs.map((glob) => glob.replace(SPECIAL, '\\$&').replaceAll('*', '.*').replaceAll('?', '.'));
  return new RegExp(`^(?:${sources.join('|')})$`);
}
