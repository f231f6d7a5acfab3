import { randomBytes } from 'node:crypto';
import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises';

/** The `code` of a failed system call (`ENOENT`, `EBUSY` ...), or undefined for any other failure. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** The text of a file, or undefined when there is none. */
export async function readIfExists(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

function besides(path: string): string {
  return `${path}.${randomBytes(6).toString('hex')}.tmp`;
}

/** Writes a file so that a reader sees all of it or its predecessor, whenever the writer dies. */
export async function writeAtomic(path: string, text: string, mode = 0o644): Promise<void> {
  const temporary = besides(path);
  await writeFile(temporary, text, { mode });
  await rename(temporary, path);
}

/** Writes a whole file only if none is there. Exactly one of many writers gets true. */
export async function writeExclusive(path: string, text: string, mode = 0o644): Promise<boolean> {
  const temporary = besides(path);
  await writeFile(temporary, text, { mode });
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await unlink(temporary);
  }
}
