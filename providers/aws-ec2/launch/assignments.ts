import { createBackoff } from '../../../src/core/backoff.ts';
import type { Clock } from '../../../src/core/clock.ts';
import { isNodelessError } from '../../../src/core/errors.ts';
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
}

const END_DEADLINE_MS = 60_000;
const RETRY_MIN_MS = 2_000;
const RETRY_MAX_MS = 30_000;

/** Writes onto machines which cell they are, one call each, behind launches: a burst brings machines faster than EC2 takes tags. */
export class Assignments {
  readonly #options: AssignmentsOptions;
  readonly #underWay = new Map<string, { readonly effort: Promise<void>; readonly cancel: AbortController }>();

  constructor(options: AssignmentsOptions) {
    this.#options = options;
  }

  /** Tags the machine as the cell's. One that can't be tagged is ended: nobody could tell later whose it is. */
  assign(cellId: string, instanceId: string, tags: Tags): void {
    const cancel = new AbortController();
    const signal = AbortSignal.any([this.#options.stopped, cancel.signal]);
    const effort = this.#assign(cellId, instanceId, tags, signal).finally(() => this.#underWay.delete(cellId));
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

  async #assign(cellId: string, instanceId: string, tags: Tags, signal: AbortSignal): Promise<void> {
    const { inventory, terminator, clock } = this.#options;
    const backoff = createBackoff(RETRY_MIN_MS, RETRY_MAX_MS);
    for (;;) {
      try {
        await this.#tag(cellId, instanceId, tags, signal);
        inventory.tagged(instanceId);
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (!isNodelessError(error) || !error.retryable) {
          await terminator.end(instanceId, AbortSignal.any([signal, AbortSignal.timeout(END_DEADLINE_MS)]));
          throw error;
        }
        await clock.sleep(backoff.next(), signal);
      }
    }
  }

  async #tag(cellId: string, instanceId: string, tags: Tags, signal: AbortSignal): Promise<void> {
    await this.#options.client.call(
      {
        action: 'ec2:CreateTags',
        family: 'tag',
        identity: { instance: instanceId, cell: cellId },
        run: ({ ec2 }, abortSignal) =>
          ec2.createTags({ Resources: [instanceId], Tags: tagList(tags) }, { abortSignal }),
      },
      signal,
    );
  }
}
