import { closeSync, openSync, readSync } from 'node:fs';

const buffer = Buffer.alloc(262_144);

/** The kernel gives a file that it makes up as it is read in pieces of a page. */
function readAll(file: number): number {
  for (let length = 0; ; ) {
    const read = readSync(file, buffer, length, buffer.length - length, null);
    length += read;
    if (read === 0 || length === buffer.length) return length;
  }
}

/**
 * A small file's text; empty when it is not there. At once, and always into the same memory: hundreds of such files are
 * read each second, all of them in memory, and the machine is to be the cells'.
 */
export function textOf(path: string): string {
  try {
    const file = openSync(path, 'r');
    try {
      return buffer.toString('utf8', 0, readAll(file));
    } finally {
      closeSync(file);
    }
  } catch {
    return '';
  }
}
