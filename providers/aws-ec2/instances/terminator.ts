import type { Logger } from 'pino';
import type { Clock } from '../../../src/core/clock.ts';
import type { NodelessError } from '../../../src/core/errors.ts';
import type { AwsClient } from '../api/aws-client.ts';
import { Coalescer } from '../coalescer.ts';
import { byHalves } from './by-halves.ts';
import type { Inventory } from './inventory.ts';
import { TAG, tagList } from './tags.ts';

export interface TerminatorOptions {
  readonly client: AwsClient;
  readonly inventory: Inventory;
  readonly clock: Clock;
  readonly stopped: AbortSignal;
  readonly logger: Logger;
}

/** More ids make requests that EC2 may refuse as a whole. */
const MAX_IDS = 500;
const WINDOW_MS = 50;
const DEADLINE_MS = 60_000;
const LOOK_MS = 2_000;

/** Ends machines, many with one call, and tells when EC2 has confirmed it. */
export class Terminator {
  readonly #options: TerminatorOptions;
  /** Each answers with why not. */
  readonly #ends: Coalescer<string, NodelessError>;
  readonly #marks: Coalescer<string, NodelessError>;

  constructor(options: TerminatorOptions) {
    this.#options = options;
    const shared = { windowMs: WINDOW_MS, maxKeys: MAX_IDS, clock: options.clock };
    this.#ends = new Coalescer({ ...shared, run: (ids) => byHalves(ids, (some) => this.#terminate(some)) });
    this.#marks = new Coalescer({ ...shared, run: (ids) => this.#markAll(ids) });
  }

  /**
   * Resolves once EC2 says that the machine has ended, or does not know it any more; a new one it may not know yet.
   * @throws NodelessError why this machine can't be ended, whatever else is ended with it
   */
  async end(instanceId: string, signal: AbortSignal): Promise<void> {
    const { inventory } = this.#options;
    for (let isTaken = false; ; await this.#untilNextLook(signal)) {
      isTaken ||= await this.#isTaken(instanceId, signal);
      const found = await inventory.ofId(instanceId, signal);
      if (found?.machine.state === 'ended') {
        // Behind the answer: a machine that can not be marked has ended all the same.
        this.#marks.get(instanceId, this.#options.stopped).catch(() => undefined);
        break;
      }
      if (found === undefined && (isTaken || !inventory.mayAppear(instanceId))) break;
    }
    inventory.ended(instanceId);
  }

  /** All who wait look at the same moments, so that they are one question. */
  async #untilNextLook(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    await clock.sleep(LOOK_MS - (clock.now() % LOOK_MS), signal);
  }

  /** Whether EC2 is about to end the machine; false where it does not know it. */
  async #isTaken(instanceId: string, signal: AbortSignal): Promise<boolean> {
    const failure = await this.#ends.get(instanceId, signal);
    if (failure !== undefined && failure.code !== 'NotFound') throw failure;
    return failure === undefined;
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

  /** Marks ended machines, since EC2 tells of them for an hour, and a provider that is started later need not. */
  async #markAll(ids: readonly string[]): Promise<ReadonlyMap<string, NodelessError>> {
    const failed = await byHalves(ids, (some) => this.#mark(some));
    const [failure] = [...failed.values()].filter(({ code }) => code !== 'NotFound');
    const told = { machines: failed.size, reason: failure?.message };
    if (failure !== undefined) this.#options.logger.warn(told, 'ended machines can not be marked as such');
    return failed;
  }

  async #mark(ids: readonly string[]): Promise<void> {
    await this.#options.client.call(
      {
        action: 'ec2:CreateTags',
        family: 'tag',
        run: ({ ec2 }, abortSignal) =>
          ec2.createTags({ Resources: [...ids], Tags: tagList({ [TAG.ended]: 'true' }) }, { abortSignal }),
      },
      this.#deadline(),
    );
  }

  #deadline(): AbortSignal {
    return AbortSignal.any([this.#options.stopped, AbortSignal.timeout(DEADLINE_MS)]);
  }
}
