import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openSet, type XmlSet } from './xml-set.ts';

/** Answers that the emulator takes many seconds to make, and that never change for a version of it: kept in a folder. */
export class WholeAnswers {
  readonly #folder: string;
  readonly #known = new Map<string, Promise<XmlSet>>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The list of that name of an answer, taken apart; `load` makes the answer where it is not there yet. */
  get(key: string, set: string, load: () => Promise<string>): Promise<XmlSet> {
    const known = this.#known.get(key) ?? this.#read(key, load).then((xml) => openSet(xml, set));
    this.#known.set(key, known);
    return known;
  }

  async #read(key: string, load: () => Promise<string>): Promise<string> {
    const file = join(this.#folder, `${createHash('sha256').update(key).digest('hex')}.xml`);
    const kept = await readFile(file, 'utf8').catch(() => undefined);
    if (kept !== undefined) return kept;
    const made = await load();
    await mkdir(this.#folder, { recursive: true });
    const aside = `${file}.${randomUUID()}`;
    await writeFile(aside, made);
    await rename(aside, file);
    return made;
  }
}
