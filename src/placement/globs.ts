/**
 * Whether a glob matches a whole text; `*` is any text, `?` any one character. When a character does not match, the last
 * star takes one more: an earlier star never has to, so the work is at most the product of the lengths.
 */
function matches(glob: string, text: string): boolean {
  let at = 0;
  let star = -1;
  let starAt = 0;
  for (let index = 0; index < text.length; ) {
    const wanted = glob[at];
    if (wanted === '*') {
      star = at;
      starAt = index;
      at += 1;
    } else if (wanted === '?' || wanted === text[index]) {
      at += 1;
      index += 1;
    } else if (star !== -1) {
      starAt += 1;
      index = starAt;
      at = star + 1;
    } else {
      return false;
    }
  }
  while (glob[at] === '*') at += 1;
  return at === glob.length;
}

/** Tells whether any of the globs matches a text as a whole. */
export function matcherOf(globs: readonly string[]): (text: string) => boolean {
  return (text) => globs.some((glob) => matches(glob, text));
}
