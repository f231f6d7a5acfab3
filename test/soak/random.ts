/** Numbers that follow from a seed alone, the same on every machine. */
export interface Random {
  /** At least 0 and below 1. */
  fraction(): number;
  /** A whole number from `from` to `to`, both included. */
  between(from: number, to: number): number;
  /** True in so many of one cases. */
  chance(share: number): boolean;
  /** One of several; undefined of none. */
  pick<T>(choices: readonly T[]): T | undefined;
}

/** Mulberry32, by Tommy Ettinger: small, and good enough to choose actions. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  function fraction(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  return {
    fraction,
    between: (from, to) => from + Math.floor(fraction() * (to - from + 1)),
    chance: (share) => fraction() < share,
    pick: (choices) => choices[Math.floor(fraction() * choices.length)],
  };
}

/** One of several by weight; choices of weight 0 are never taken. */
export function weighted<T extends { readonly weight: number }>(random: Random, choices: readonly T[]): T | undefined {
  let left = random.fraction() * choices.reduce((sum, { weight }) => sum + weight, 0);
  for (const choice of choices) {
    left -= choice.weight;
    if (left < 0) return choice;
  }
  return undefined;
}
