const REPEAT_MS = 15_000;

/**
 * Tells what is worth a line of its own in a log: a text is, unless it differs only in its figures from the one
 * before and that one is younger than 15 s.
 */
export function createThrottle(now: () => number): (text: string) => boolean {
  let last = '';
  let toldMs = Number.NEGATIVE_INFINITY;
  return (text) => {
    const shape = text.replace(/\d+/g, '#').replace(/#m #s/g, '#s');
    if (shape === last && now() - toldMs < REPEAT_MS) return false;
    last = shape;
    toldMs = now();
    return true;
  };
}
