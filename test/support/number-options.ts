import { InvalidArgumentError } from 'commander';

function numberOf(text: string, fits: (value: number) => boolean, wanted: string): number {
  const value = Number(text);
  if (text.trim() === '' || !fits(value)) throw new InvalidArgumentError(`It must be ${wanted}.`);
  return value;
}

/** Reads 0, 1, 2 and so on. */
export function countOption(text: string): number {
  return numberOf(text, (value) => Number.isSafeInteger(value) && value >= 0, 'a whole number');
}

/** Reads a number above 0. */
export function positiveOption(text: string): number {
  return numberOf(text, (value) => Number.isFinite(value) && value > 0, 'a number above 0');
}
