import type { Logger } from 'pino';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { WARM_POOLS_PATH } from '../core/names.ts';
import { call, isStatus } from '../kube/calls.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Collection } from '../kube/collection.ts';
import type { KubeObject } from '../kube/objects.ts';
import type { PoolKeeper } from './keeper.ts';
import type { KeptPool } from './kept-pool.ts';
import { type PoolStatus, statusOf } from './status.ts';

export interface StatusWriterOptions {
  readonly client: KubeClient;
  readonly pools: Pick<Collection<KubeObject>, 'items' | 'get'>;
  readonly keeper: PoolKeeper;
  readonly canClaim: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  /** False while another process may lead. */
  readonly mayAct: () => boolean;
}

const TICK_MS = 1_000;
/** What only a policy's words say anew is not worth a write of its own. */
const WORDS_MS = 30_000;

interface Written {
  readonly atMs: number;
  readonly text: string;
  readonly counts: string;
}

function countsOf({ why: _why, hitRate: _rate, achieved: _achieved, conditions, ...counts }: PoolStatus): string {
  return JSON.stringify([counts, conditions.map(({ type, status, reason }) => [type, status, reason])]);
}

/** Writes to each pool how it is, when that has changed, until the signal aborts. */
export async function writeStatuses(options: StatusWriterOptions, signal: AbortSignal): Promise<void> {
  const { client, pools, keeper, canClaim, clock, logger, mayAct } = options;
  const written = new Map<string, Written>();
  let failing = false;

  async function write(kept: KeptPool): Promise<void> {
    const { name, uid } = kept.pool;
    const object = pools.get(undefined, name);
    if (object === undefined || object.metadata.uid !== uid) return;
    const before = (object.status as Partial<PoolStatus> | undefined)?.conditions ?? [];
    const generation = Number(object.metadata.generation ?? 0);
    const nowMs = clock.now();
    const status = statusOf(kept, { nowMs, generation, invalid: keeper.invalidity(uid), canClaim, before });
    const [text, counts] = [JSON.stringify(status), countsOf(status)];
    const last = written.get(uid);
    if (last?.text === text || (last?.counts === counts && nowMs - last.atMs < WORDS_MS)) return;
    const body = { metadata: { uid }, status };
    const contentType = 'application/merge-patch+json';
    await call(client, { method: 'PATCH', path: `${WARM_POOLS_PATH}/${name}/status`, contentType, body, signal });
    written.set(uid, { atMs: nowMs, text, counts });
  }

  while (!signal.aborted) {
    for (const uid of written.keys()) if (keeper.pool(uid) === undefined) written.delete(uid);
    for (const kept of keeper.pools()) {
      if (!mayAct() || signal.aborted) break;
      try {
        await write(kept);
        failing = false;
      } catch (error) {
        if (signal.aborted) return;
        if (isStatus(error, 404) || isStatus(error, 409)) continue;
        if (!failing)
          logger.warn({ pool: kept.pool.name, reason: messageOf(error) }, 'a pool can not be told of for now');
        failing = true;
      }
    }
    await clock.sleep(TICK_MS, signal).catch(() => undefined);
  }
}
