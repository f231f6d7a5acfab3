import { stripVTControlCharacters } from 'node:util';

/** Control characters other than ends of lines and tabs. */
const CONTROLS = /(?![\n\t])\p{Cc}/gu;

/** What a machine has written, as a terminal of ours may show it: a pod could have written it too. */
export function plainText(text: string): string {
  return stripVTControlCharacters(text).replace(CONTROLS, '');
}

/** The end of a text, whole lines of it where there are such, within so many characters. */
export function endOfText(text: string, characters: number): string {
  const plain = plainText(text).trimEnd();
  if (plain.length <= characters) return plain;
  const end = plain.slice(-characters);
  const firstWhole = end.indexOf('\n') + 1;
  return firstWhole < end.length ? end.slice(firstWhole) : end;
}
