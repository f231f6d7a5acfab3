import { open } from 'node:fs/promises';

/** A line of the provider's log, as far as the soak reads it. */
export interface LogLine {
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Of pino: 40 is a warning, 50 an error. */
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** The lines of a log that are JSON; a stack trace of a crash is not. */
export function parseLog(text: string): readonly LogLine[] {
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return [];
    try {
      return [JSON.parse(line) as LogLine];
    } catch {
      // Cut short by a SIGKILL.
      return [];
    }
  });
}

/** When a provider that was started at this time began to serve, by the log's lines since; undefined until it does. */
export function servedSinceMs(lines: readonly LogLine[], startedAtMs: number): number | undefined {
  return lines.find(({ time, msg }) => time >= startedAtMs && msg === 'the virtual node is served')?.time;
}

/** The last lines that name one of these words, as they were written. */
export function linesAbout(text: string, words: readonly string[], most: number): readonly string[] {
  return text
    .split('\n')
    .filter((line) => words.some((word) => line.includes(word)))
    .slice(-most);
}

/** Reads what is added to a file from now on; each call resolves with the whole lines since the last one. */
export function followFile(path: string): () => Promise<string> {
  let offset = 0;
  let partial = '';
  return async () => {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const buffer = Buffer.alloc(Math.max(0, size - offset));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, offset);
      offset += bytesRead;
      const text = partial + buffer.toString('utf8', 0, bytesRead);
      const end = text.lastIndexOf('\n') + 1;
      partial = text.slice(end);
      return text.slice(0, end);
    } finally {
      await file.close();
    }
  };
}
