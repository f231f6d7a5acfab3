import type { Logger } from 'pino';
import { createBackoff } from '../../../src/core/backoff.ts';
import type { Clock } from '../../../src/core/clock.ts';
import { messageOf } from '../../../src/core/errors.ts';
import type { TakeInterruption } from '../../contract.ts';
import type { AwsClient } from '../api/aws-client.ts';
import type { Inventory } from '../instances/inventory.ts';
import { TAG } from '../instances/tags.ts';
import type { Owner } from '../options.ts';
import { type Warning, warningOf } from './message.ts';
import { receive, remove } from './queue.ts';
import { readScheduled } from './scheduled.ts';

export interface InterruptionsOptions {
  readonly client: AwsClient;
  readonly inventory: Inventory;
  readonly owner: Owner;
  /** Undefined where there is none: then only what is scheduled is told. */
  readonly queueUrl: string | undefined;
  readonly clock: Clock;
  readonly stopped: AbortSignal;
  readonly logger: Logger;
}

/** Scheduled events are days ahead. */
const LOOK_MS = 60_000;
const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 60_000;

/** Reads what AWS says is about to befall machines, for as long as somebody listens, once for all who do. */
export class Interruptions {
  readonly #options: InterruptionsOptions;
  readonly #listeners = new Set<TakeInterruption>();
  #reading: AbortController | undefined;

  constructor(options: InterruptionsOptions) {
    this.#options = options;
  }

  /** Has somebody told until the signal aborts. */
  listen(take: TakeInterruption, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.#listeners.add(take);
    signal.addEventListener('abort', () => this.#leave(take), { once: true });
    if (this.#reading === undefined) this.#begin();
  }

  #leave(take: TakeInterruption): void {
    this.#listeners.delete(take);
    if (this.#listeners.size > 0) return;
    this.#reading?.abort();
    this.#reading = undefined;
  }

  #begin(): void {
    const { queueUrl, stopped } = this.#options;
    this.#reading = new AbortController();
    const signal = AbortSignal.any([stopped, this.#reading.signal]);
    if (queueUrl !== undefined)
      void this.#keep('the queue of interruptions', () => this.#readQueue(queueUrl, signal), signal);
    void this.#keep('scheduled events', () => this.#readScheduled(signal), signal);
  }

  /** Does it over and over; an outage is told once, and makes the pauses longer. */
  async #keep(what: string, work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options;
    const backoff = createBackoff(RETRY_MIN_MS, RETRY_MAX_MS);
    let isFailing = false;
    while (!signal.aborted) {
      try {
        await work();
        if (isFailing) logger.info({ what }, 'what AWS says of interruptions can be read again');
        isFailing = false;
        backoff.reset();
      } catch (error) {
        if (signal.aborted) return;
        if (!isFailing)
          logger.warn({ what, reason: messageOf(error) }, 'what AWS says of interruptions can not be read');
        isFailing = true;
        await clock.sleep(backoff.next(), signal).catch(() => undefined);
      }
    }
  }

  async #readQueue(queueUrl: string, signal: AbortSignal): Promise<void> {
    const { client } = this.#options;
    const messages = await receive(client, queueUrl, signal);
    await Promise.all(
      messages.map(async (message) => {
        const warning = warningOf(message.body);
        const isDone = warning === undefined || (await this.#tell(warning, signal));
        if (isDone) await remove(client, queueUrl, message, signal);
      }),
    );
  }

  async #readScheduled(signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#options;
    for (const warning of await readScheduled(client, signal)) await this.#tell(warning, signal);
    await clock.sleep(LOOK_MS, signal);
  }

  /** Whether nobody else has to be told. */
  async #tell({ instanceIds, ...warning }: Warning, signal: AbortSignal): Promise<boolean> {
    const { inventory, owner } = this.#options;
    const done = await Promise.all(
      instanceIds.map(async (id) => {
        const found = await inventory.ofId(id, signal);
        const isOurs = found !== undefined && found.tags[TAG.cluster] === owner.clusterUid;
        if (!isOurs || (found.machine.state === 'ended' && warning.kind === 'ends')) return true;
        const { cellId } = found.machine.tags;
        return [...this.#listeners].map((take) => take({ cellId, ...warning })).some((isTaken) => isTaken);
      }),
    );
    return done.every((isDone) => isDone);
  }
}
