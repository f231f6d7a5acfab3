import type { Clock } from '../../../src/core/clock.ts';
import { isNodelessError } from '../../../src/core/errors.ts';
import type { AwsClient } from '../api/aws-client.ts';
import { Coalescer } from '../coalescer.ts';
import type { Inventory } from './inventory.ts';
import { TAG, tagList } from './tags.ts';

export interface TerminatorOptions {
  readonly client: AwsClient;
  readonly inventory: Inventory;
  readonly clock: Clock;
  readonly stopped: AbortSignal;
}

/** More ids make requests that EC2 may refuse as a whole. */
const MAX_IDS = 500;
const WINDOW_MS = 50;
const DEADLINE_MS = 60_000;
const LOOK_MS = 2_000;

/** Ends machines, many with one call, and tells when EC2 has confirmed it. */
export class Terminator {
  readonly #options: TerminatorOptions;
  readonly #ends: Coalescer<string, true>;
  readonly #marks: Coalescer<string, true>;

  constructor(options: TerminatorOptions) {
    this.#options = options;
    const shared = { windowMs: WINDOW_MS, maxKeys: MAX_IDS, clock: options.clock };
    this.#ends = new Coalescer<string, true>({ ...shared, run: (ids) => this.#endAll(ids) });
    this.#marks = new Coalescer<string, true>({ ...shared, run: (ids) => this.#markAll(ids) });
  }

  /** Resolves once EC2 says that the machine has ended, or does not know it any more. */
  async end(instanceId: string, signal: AbortSignal): Promise<void> {
    const { inventory, clock } = this.#options;
    await this.#ends.get(instanceId, signal);
    for (;;) {
      const found = await inventory.ofId(instanceId, signal);
      if (found === undefined || found.machine.state === 'ended') break;
      await clock.sleep(LOOK_MS, signal);
    }
    await this.#marks.get(instanceId, signal);
    inventory.ended(instanceId);
  }

  async #endAll(ids: readonly string[]): Promise<ReadonlyMap<string, true>> {
    try {
      await this.#terminate(ids);
    } catch (error) {
      if (!isNodelessError(error, 'NotFound')) throw error;
      // One that is unknown fails all; alone, it has no machine that could go on.
      if (ids.length > 1) await Promise.all(ids.map((id) => this.#endAll([id])));
    }
    return new Map(ids.map((id) => [id, true] as const));
  }

  async #terminate(ids: readonly string[]): Promise<void> {
    await this.#options.client.call(
      {
        action: 'ec2:TerminateInstances',
        family: 'terminate',
        run: ({ ec2 }, abortSignal) => ec2.terminateInstances({ InstanceIds: [...ids] }, { abortSignal }),
      },
      this.#deadline(),
    );
  }

  /** Marks ended machines, since EC2 tells of them for an hour, and a provider that is started later must not. */
  async #markAll(ids: readonly string[]): Promise<ReadonlyMap<string, true>> {
    const marked = new Map(ids.map((id) => [id, true] as const));
    try {
      await this.#options.client.call(
        {
          action: 'ec2:CreateTags',
          family: 'tag',
          run: ({ ec2 }, abortSignal) =>
            ec2.createTags({ Resources: [...ids], Tags: tagList({ [TAG.ended]: 'true' }) }, { abortSignal }),
        },
        this.#deadline(),
      );
    } catch (error) {
      // It is gone already, so nobody will tell of it.
      if (!isNodelessError(error, 'NotFound')) throw error;
      if (ids.length > 1) await Promise.all(ids.map((id) => this.#markAll([id])));
    }
    return marked;
  }

  #deadline(): AbortSignal {
    return AbortSignal.any([this.#options.stopped, AbortSignal.timeout(DEADLINE_MS)]);
  }
}
