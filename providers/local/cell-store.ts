import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CellTags } from '../../src/core/cell.ts';
import { NodelessError } from '../../src/core/errors.ts';
import type { Offering } from '../../src/core/offerings.ts';
import type { Claimant } from '../contract.ts';
import { readIfExists, systemCode, writeExclusive } from './machine/files.ts';

/** What the "cloud" knows of a local cell; written once, at its launch, but for whose it becomes where it waits in a pool. */
export interface CellRecord {
  readonly tags: CellTags;
  readonly offering: Offering;
  /** Of its address and its pods' range. */
  readonly index: number;
  readonly address: string;
  readonly createdAtMs: number;
  readonly tokenSha256: string;
}

/** The folders of the cells: `cells/<id>/` with `cell.json`, `token` (0600), `claim`, `key`, `ending` and `machine/`. */
export interface CellStore {
  ids(): Promise<readonly string[]>;
  read(cellId: string): Promise<CellRecord | undefined>;
  /** Where the cell's machine keeps its things. */
  machineDirectory(cellId: string): string;
  /** The cell's one-time token: made at the first call, the same ever after. */
  token(cellId: string): Promise<string>;
  /** Writes the record unless there is one; returns the one that stands. */
  create(record: CellRecord): Promise<CellRecord>;
  /** Records the pod that a cell of a pool is given to; returns the first one's uid. */
  claim(cellId: string, by: Claimant): Promise<string>;
  /** Records the fingerprint of the first key that used the token; returns the first one. */
  recordKey(cellId: string, fingerprint: string): Promise<string>;
  /** Whether somebody has marked a zone as one without capacity, by a file of its name. */
  isExhausted(zone: string): boolean;
  markEnding(cellId: string): Promise<void>;
  isEnding(cellId: string): boolean;
  /** Makes the cell vanish at once, then removes its files. */
  remove(cellId: string): Promise<void>;
  /** Removes what dying processes have left: files of vanished cells, and folders that never became a cell. */
  sweep(olderThanMs: number): Promise<void>;
}

/** True for an id that a cell can have. */
export function isCellId(text: string): boolean {
  return /^[a-z0-9][a-z0-9-]{0,62}$/.test(text);
}

/** @throws NodelessError InvalidConfig for an id that can't be a folder's and a network namespace's name. */
export function checkCellId(cellId: string): void {
  if (isCellId(cellId)) return;
  throw new NodelessError({ code: 'InvalidConfig', message: `"${cellId}" can't be a cell's id: use a-z, 0-9 and -` });
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The cell that a token claims to be of; whether it is, only the token's hash in that cell's record tells. */
export function cellIdOfToken(token: string): string | undefined {
  return /^([a-z0-9][a-z0-9-]{0,62})\.[0-9a-f]{64}$/.exec(token)?.[1];
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch((error) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  });
}

export function createCellStore(stateDir: string): CellStore {
  const cells = join(stateDir, 'cells');
  const trash = join(stateDir, 'trash');
  const at = (cellId: string, name: string) => join(cells, cellId, name);

  async function read(cellId: string): Promise<CellRecord | undefined> {
    const text = await readIfExists(at(cellId, 'cell.json'));
    if (text === undefined) return undefined;
    const record = JSON.parse(text) as CellRecord;
    const claim = record.tags.pool === undefined ? undefined : await readIfExists(at(cellId, 'claim'));
    return claim === undefined ? record : { ...record, tags: { ...record.tags, ...(JSON.parse(claim) as Claimant) } };
  }

  async function remove(cellId: string): Promise<void> {
    await mkdir(trash, { recursive: true });
    const aside = join(trash, `${cellId}.${randomBytes(6).toString('hex')}`);
    await rename(join(cells, cellId), aside).catch((error) => {
      // It may also be the trash that is not there: then the cell has not vanished.
      if (systemCode(error) !== 'ENOENT' || existsSync(join(cells, cellId))) throw error;
    });
    await rm(aside, { recursive: true, force: true });
  }

  function ids(): Promise<readonly string[]> {
    return namesIn(cells);
  }

  /** Never the folder itself: another removal may be about to put something into it. */
  async function emptyTrash(olderThanMs: number): Promise<void> {
    for (const name of await namesIn(trash)) {
      const entry = await stat(join(trash, name)).catch(() => undefined);
      // The change time is that of the removal; the modification time is the cell's own.
      if (entry === undefined || entry.ctimeMs > olderThanMs) continue;
      await rm(join(trash, name), { recursive: true, force: true });
    }
  }

  return {
    ids,
    read,
    remove,
    machineDirectory: (cellId) => at(cellId, 'machine'),
    async token(cellId) {
      await mkdir(join(cells, cellId), { recursive: true, mode: 0o700 });
      await writeExclusive(at(cellId, 'token'), `${cellId}.${randomBytes(32).toString('hex')}`, 0o600);
      return (await readIfExists(at(cellId, 'token'))) ?? '';
    },
    async create(record) {
      await writeExclusive(at(record.tags.cellId, 'cell.json'), JSON.stringify(record, null, 2), 0o600);
      return (await read(record.tags.cellId)) ?? record;
    },
    async claim(cellId, { pod, podUid }) {
      await writeExclusive(at(cellId, 'claim'), JSON.stringify({ pod, podUid }), 0o600);
      return (JSON.parse((await readIfExists(at(cellId, 'claim'))) ?? '{}') as Partial<Claimant>).podUid ?? '';
    },
    async recordKey(cellId, fingerprint) {
      await writeExclusive(at(cellId, 'key'), fingerprint, 0o600);
      return (await readIfExists(at(cellId, 'key'))) ?? '';
    },
    isExhausted: (zone) => existsSync(join(stateDir, 'exhausted-zones', zone)),
    async markEnding(cellId) {
      await writeFile(at(cellId, 'ending'), '').catch((error) => {
        if (systemCode(error) !== 'ENOENT') throw error;
      });
    },
    isEnding: (cellId) => existsSync(at(cellId, 'ending')),
    async sweep(olderThanMs) {
      await emptyTrash(olderThanMs);
      for (const cellId of await ids()) {
        const folder = await stat(join(cells, cellId)).catch(() => undefined);
        if (folder === undefined || folder.mtimeMs > olderThanMs) continue;
        if (!existsSync(at(cellId, 'cell.json'))) await remove(cellId);
      }
    },
  };
}
