import type { Logger } from 'pino';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { WARM_POOLS_PATH } from '../core/names.ts';
import { call, isStatus } from '../kube/calls.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Collection } from '../kube/collection.ts';
import type { KubeObject } from '../kube/objects.ts';
import type { PoolKeeper } from './keeper.ts';
import { writeMemory } from './memory.ts';
import { type PoolStatus, type StatusContext, statusOf, statusOfUnread } from './status.ts';

export interface StatusWriterOptions {
  readonly client: KubeClient;
  readonly pools: Pick<Collection<KubeObject>, 'items' | 'get'>;
  readonly keeper: PoolKeeper;
  readonly canClaim: boolean;
  readonly pullsImages: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  /** False while another process may lead. */
  readonly mayAct: () => boolean;
}

const TICK_MS = 1_000;
/** What only a policy's words say anew is not worth a write of its own. */
const WORDS_MS = 30_000;

/** What a pool has learned is written so often, where it is anything new. */
const MEMORY_MS = 300_000;

/** A pool, and what there is to say of it. */
interface Told {
  readonly name: string;
  readonly uid: string;
  readonly say: (context: StatusContext) => PoolStatus;
}

interface Written {
  readonly atMs: number;
  readonly text: string;
  readonly counts: string;
}

/** What a pool's object has of its memory. */
interface Remembered {
  /** When it was looked at last. */
  atMs: number;
  /** Undefined before this process has written any. */
  text?: string;
}

function countsOf({ why: _why, hitRate: _rate, achieved: _achieved, conditions, ...counts }: PoolStatus): string {
  return JSON.stringify([counts, conditions.map(({ type, status, reason }) => [type, status, reason])]);
}

/** The pools of a keeper, also those that it can not read. */
function* toldBy(keeper: PoolKeeper): IterableIterator<Told> {
  for (const kept of keeper.pools()) {
    const { name, uid } = kept.pool;
    yield { name, uid, say: (context) => statusOf(kept, keeper.invalidity(uid), context) };
  }
  for (const unread of keeper.neverRead())
    yield { name: unread.name, uid: unread.uid, say: (context) => statusOfUnread(unread, context) };
}

/** Writes to each pool how it is, when that has changed, until the signal aborts. */
export async function writeStatuses(options: StatusWriterOptions, signal: AbortSignal): Promise<void> {
  const { client, pools, keeper, canClaim, pullsImages, clock, logger, mayAct } = options;
  const written = new Map<string, Written>();
  let failing = false;

  const remembered = new Map<string, Remembered>();

  async function patch(name: string, body: unknown): Promise<void> {
    const contentType = 'application/merge-patch+json';
    await call(client, { method: 'PATCH', path: `${WARM_POOLS_PATH}/${name}/status`, contentType, body, signal });
  }

  /** Of all pools one at a time, so that there is no moment at which all are written. */
  async function remember(): Promise<void> {
    const nowMs = clock.now();
    for (const { pool, demand } of keeper.pools()) {
      const last = remembered.get(pool.uid) ?? { atMs: nowMs };
      remembered.set(pool.uid, last);
      if (Math.abs(nowMs - last.atMs) < MEMORY_MS) continue;
      // One that can not be written now comes again as late as any, so that it keeps no other from being written.
      last.atMs = nowMs;
      const text = writeMemory(demand.memory);
      if (text === last.text) continue;
      await patch(pool.name, { metadata: { uid: pool.uid }, status: { memory: text } });
      last.text = text;
      return;
    }
  }

  async function write({ name, uid, say }: Told): Promise<void> {
    const object = pools.get(undefined, name);
    if (object === undefined || object.metadata.uid !== uid) return;
    const before = (object.status as Partial<PoolStatus> | undefined)?.conditions ?? [];
    const generation = Number(object.metadata.generation ?? 0);
    const nowMs = clock.now();
    const status = say({ nowMs, generation, canClaim, pullsImages, before });
    const [text, counts] = [JSON.stringify(status), countsOf(status)];
    const last = written.get(uid);
    if (last?.text === text || (last?.counts === counts && nowMs - last.atMs < WORDS_MS)) return;
    await patch(name, { metadata: { uid }, status });
    written.set(uid, { atMs: nowMs, text, counts });
  }

  while (!signal.aborted) {
    const told = [...toldBy(keeper)];
    const uids = new Set(told.map(({ uid }) => uid));
    for (const known of [written, remembered]) for (const uid of known.keys()) if (!uids.has(uid)) known.delete(uid);
    for (const one of [...told.map((each) => () => write(each)), remember]) {
      if (!mayAct() || signal.aborted) break;
      try {
        await one();
        failing = false;
      } catch (error) {
        if (signal.aborted) return;
        if (isStatus(error, 404) || isStatus(error, 409)) continue;
        if (!failing) logger.warn({ reason: messageOf(error) }, 'pools can not be told of for now');
        failing = true;
      }
    }
    await clock.sleep(TICK_MS, signal).catch(() => undefined);
  }
}
