import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { NodelessError } from '../../src/core/errors.ts';
import { type ClusterRanges, FIRST_CELL_INDEX, machineCount } from './machine/addressing.ts';
import { readIfExists, writeExclusive } from './machine/files.ts';

/** Which cell has which index: one file per index, made exclusively, that holds the cell's id. */
export interface AddressBook {
  /**
   * The cell's index: the one it has, or a free one, preferably not one that was in use a moment ago.
   * @throws NodelessError InsufficientCapacity (retryable) when all are taken.
   */
  take(cellId: string): Promise<number>;
  /** Frees whatever index is this cell's. */
  release(cellId: string): Promise<void>;
  /**
   * Frees the indexes of cells that `exists` denies, and removes what dying processes have left, unless younger than
   * `olderThanMs`, a moment in milliseconds since the epoch.
   */
  sweep(exists: (cellId: string) => Promise<boolean>, olderThanMs: number): Promise<void>;
}

export function createAddressBook(directory: string, ranges: ClusterRanges): AddressBook {
  const at = (index: number) => join(directory, String(index));
  const count = machineCount(ranges) - FIRST_CELL_INDEX;
  let cursor = 0;

  async function indexes(): Promise<readonly number[]> {
    await mkdir(directory, { recursive: true });
    return (await readdir(directory)).filter((name) => /^\d+$/.test(name)).map(Number);
  }

  async function indexOf(cellId: string): Promise<number | undefined> {
    for (const index of await indexes()) if ((await readIfExists(at(index))) === cellId) return index;
    return undefined;
  }

  async function free(index: number, cellId: string): Promise<void> {
    // Moved aside before it is read: an index that was freed and taken again meanwhile must not be freed twice.
    const aside = `${index}.${cellId}.free`;
    await rename(at(index), join(directory, aside)).catch(() => undefined);
    await finishFreeing(aside);
  }

  /** The second half of `free`; what a process that died between the two has left is finished by `sweep`. */
  async function finishFreeing(aside: string): Promise<void> {
    const [index = '', cellId = ''] = aside.split('.');
    const holder = await readIfExists(join(directory, aside));
    if (holder !== undefined && holder !== cellId) await writeExclusive(join(directory, index), holder);
    await rm(join(directory, aside), { force: true });
  }

  async function isYoungerThan(name: string, momentMs: number): Promise<boolean> {
    const file = await stat(join(directory, name)).catch(() => undefined);
    return file === undefined || file.mtimeMs > momentMs;
  }

  return {
    async release(cellId) {
      const index = await indexOf(cellId);
      if (index !== undefined) await free(index, cellId);
    },
    async take(cellId) {
      const known = await indexOf(cellId);
      if (known !== undefined) return known;
      const taken = new Set(await indexes());
      if (cursor === 0) cursor = Math.max(0, ...[...taken].map((index) => index - FIRST_CELL_INDEX + 1));
      for (let step = 0; step < count; step += 1) {
        const offset = (cursor + step) % count;
        const index = FIRST_CELL_INDEX + offset;
        if (taken.has(index) || !(await writeExclusive(at(index), cellId))) continue;
        cursor = offset + 1;
        return index;
      }
      throw new NodelessError({
        code: 'InsufficientCapacity',
        retryable: true,
        message: `all ${count} addresses of ${ranges.cellCidr} are in use by cells; it is tried again`,
      });
    },
    async sweep(exists, olderThanMs) {
      await mkdir(directory, { recursive: true });
      for (const name of await readdir(directory)) {
        if (/^\d+$/.test(name) || (await isYoungerThan(name, olderThanMs))) continue;
        if (name.endsWith('.free')) await finishFreeing(name);
        else await rm(join(directory, name), { force: true });
      }
      for (const index of await indexes()) {
        const cellId = await readIfExists(at(index));
        if (cellId === undefined || (await isYoungerThan(String(index), olderThanMs))) continue;
        if (!(await exists(cellId))) await free(index, cellId);
      }
    },
  };
}
