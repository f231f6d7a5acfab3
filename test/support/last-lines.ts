/** Keeps the last lines of a text that comes in pieces. */
export interface LastLines {
  add(piece: string): void;
  text(): string;
}

/** Keeps this many lines; one without an end yet counts as well. */
export function lastLines(count: number): LastLines {
  let kept: string[] = [];
  return {
    add(piece) {
      const lines = ((kept.pop() ?? '') + piece).split('\n');
      kept = [...kept, ...lines].slice(-count - 1);
    },
    text: () => kept.join('\n'),
  };
}
