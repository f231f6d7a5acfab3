import type { Logger } from 'pino';
import { createBackoff } from '../../../src/core/backoff.ts';
import type { Clock } from '../../../src/core/clock.ts';
import { isNodelessError, messageOf, NodelessError } from '../../../src/core/errors.ts';
import { abortable } from '../abortable.ts';
import type { AwsClient } from '../api/aws-client.ts';
import type { Inventory } from '../instances/inventory.ts';
import { type Tags, tagList } from '../instances/tags.ts';
import type { Terminator } from '../instances/terminator.ts';

export interface AssignmentsOptions {
  readonly client: AwsClient;
  readonly inventory: Inventory;
  readonly terminator: Terminator;
  readonly clock: Clock;
  readonly stopped: AbortSignal;
  readonly logger: Logger;
}

const END_DEADLINE_MS = 60_000;
const RETRY_MIN_MS = 2_000;
const RETRY_MAX_MS = 30_000;
/** How often it is looked whether this process may act again, and for how long. */
const LEAD_LOOK_MS = 500;
const LEAD_PATIENCE_MS = 120_000;

/** Which machine is to be which cell, and whether this process is the one to say so. */
export interface Assignment {
  readonly cellId: string;
  readonly instanceId: string;
  readonly tags: Tags;
  readonly mayAct: () => boolean;
}

/** Writes onto machines which cell they are, one call each, behind launches: a burst brings machines faster than EC2 takes tags. */
export class Assignments {
  readonly #options: AssignmentsOptions;
  readonly #underWay = new Map<string, { readonly effort: Promise<void>; readonly cancel: AbortController }>();

  constructor(options: AssignmentsOptions) {
    this.#options = options;
  }

  /** Tags the machine as the cell's. One that can't be tagged is ended, and told of as such: nobody could tell later whose it is. */
  assign(assignment: Assignment): void {
    const { cellId } = assignment;
    const cancel = new AbortController();
    const signal = AbortSignal.any([this.#options.stopped, cancel.signal]);
    const effort = this.#assign(assignment, signal).finally(() => this.#underWay.delete(cellId));
    // Whoever waits is told; that nobody does is no failure.
    effort.catch(() => undefined);
    this.#underWay.set(cellId, { effort, cancel });
  }

  /** The cell ends: nobody needs to be told whose its machine was. */
  cancel(cellId: string): void {
    this.#underWay.get(cellId)?.cancel.abort(new Error('the cell ends'));
  }

  /** Resolves once the cell's machine is tagged. @throws what tagging throws */
  async settled(cellId: string, signal: AbortSignal): Promise<void> {
    const underWay = this.#underWay.get(cellId);
    if (underWay !== undefined) await abortable(underWay.effort, signal);
  }

  async #assign(assignment: Assignment, signal: AbortSignal): Promise<void> {
    const { inventory, clock } = this.#options;
    const { instanceId } = assignment;
    const backoff = createBackoff(RETRY_MIN_MS, RETRY_MAX_MS);
    for (;;) {
      try {
        await this.#untilAllowed(assignment, signal);
        await this.#tag(assignment, signal);
        inventory.tagged(instanceId);
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (isNodelessError(error, 'NotLeading') && !error.retryable) {
          inventory.left(instanceId);
          throw error;
        }
        const isNew = isNodelessError(error, 'NotFound') && inventory.mayAppear(instanceId);
        if (!isNew && (!isNodelessError(error) || !error.retryable)) {
          await this.#giveUp(assignment, error, signal);
          throw error;
        }
        await clock.sleep(backoff.next(), signal);
      }
    }
  }

  async #giveUp({ cellId, instanceId }: Assignment, error: unknown, signal: AbortSignal): Promise<void> {
    const { inventory, terminator, logger } = this.#options;
    const reason = messageOf(error);
    logger.warn({ cell: cellId, instance: instanceId, reason }, 'a machine can not be tagged as its cell, and ends');
    inventory.failed(instanceId, `its machine could not be tagged as the cell's: ${reason}`);
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(END_DEADLINE_MS)]);
    await terminator.end(instanceId, bounded).finally(() => inventory.left(instanceId));
  }

  /**
   * Waits while another process may lead. That one may have made the machine another cell meanwhile, or ended it.
   * @throws NodelessError NotLeading where the machine is not this process's to assign any more
   */
  async #untilAllowed({ cellId, instanceId, mayAct }: Assignment, signal: AbortSignal): Promise<void> {
    if (mayAct()) return;
    const { inventory, clock } = this.#options;
    const untilMs = clock.now() + LEAD_PATIENCE_MS;
    while (!mayAct() && clock.now() < untilMs) await clock.sleep(LEAD_LOOK_MS, signal);
    const known = mayAct() ? (await inventory.ofId(instanceId, signal))?.describedCell : undefined;
    if (mayAct() && (known === undefined || known === cellId)) return;
    const message = `machine ${instanceId} was to be cell ${cellId}, and is left to the process that leads now`;
    throw new NodelessError({ code: 'NotLeading', message, identity: { instance: instanceId, cell: cellId } });
  }

  async #tag({ cellId, instanceId, tags, mayAct }: Assignment, signal: AbortSignal): Promise<void> {
    const identity = { instance: instanceId, cell: cellId };
    await this.#options.client.call(
      {
        action: 'ec2:CreateTags',
        family: 'tag',
        identity,
        run: async ({ ec2 }, abortSignal) => {
          // It may have waited long for its turn.
          const message = `machine ${instanceId} can not be tagged while another process may lead`;
          if (!mayAct()) throw new NodelessError({ code: 'NotLeading', retryable: true, message, identity });
          await ec2.createTags({ Resources: [instanceId], Tags: tagList(tags) }, { abortSignal });
        },
      },
      signal,
    );
  }
}
