import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Writes a text, or bytes as they come, and leaves the output open; whoever reads it may have enough (`| head`). */
export async function print(what: Readable | string, output: Writable): Promise<void> {
  if (typeof what === 'string') {
    output.write(what);
    return;
  }
  try {
    await pipeline(what, output, { end: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
}
