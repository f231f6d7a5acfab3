import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { pack } from 'tar-stream';
import { messageOf, NodelessError } from '../../core/errors.ts';
import type { Part } from './parts.ts';
import { scrubbed } from './redaction.ts';

/** What came of a bundle. */
export interface Bundled {
  readonly files: readonly string[];
  /** Parts that could not be read, with why. */
  readonly missing: readonly string[];
}

/** Only whoever made it may read it. */
const MODE = 0o600;

/**
 * Reads the parts one after the other and writes them as a gzipped tar file, each without what looks like a secret. What can't be
 * read is told of in `missing.txt`. @throws NodelessError ConfigInvalid where the file is there already, or can't be made
 */
export async function writeBundle(
  { folder, file, parts }: { readonly folder: string; readonly file: string; readonly parts: readonly Part[] },
  signal: AbortSignal,
): Promise<Bundled> {
  const tar = pack();
  const written = pipeline(tar, createGzip(), createWriteStream(file, { flags: 'wx', mode: MODE }), { signal });
  const files: string[] = [];
  const missing: string[] = [];
  const add = (name: string, text: string) => {
    tar.entry({ name: `${folder}/${name}`, mode: 0o644 }, scrubbed(text));
    files.push(name);
  };
  const fill = async () => {
    for (const { name, read } of parts) {
      signal.throwIfAborted();
      try {
        add(name, await read());
      } catch (error) {
        missing.push(`${name}: ${messageOf(error)}`);
      }
    }
    if (missing.length > 0) add('missing.txt', `${missing.join('\n')}\n`);
    tar.finalize();
  };
  try {
    await Promise.all([written, fill()]);
  } catch (error) {
    signal.throwIfAborted();
    tar.destroy();
    const message = `${file} can not be written: ${messageOf(error)}; name another with --file`;
    throw new NodelessError({ code: 'ConfigInvalid', message, cause: error });
  }
  return { files, missing };
}
