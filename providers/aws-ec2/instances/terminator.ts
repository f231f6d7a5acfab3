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

/** One machine that EC2 does not know fails a call for all. @returns those that it knows */
async function forKnown(
  ids: readonly string[],
  run: (ids: readonly string[]) => Promise<void>,
): Promise<ReadonlyMap<string, true>> {
  try {
    await run(ids);
    return new Map(ids.map((id) => [id, true] as const));
  } catch (error) {
    if (!isNodelessError(error, 'NotFound')) throw error;
    if (ids.length <= 1) return new Map();
    const each = await Promise.all(ids.map((id) => forKnown([id], run)));
    return new Map(each.flatMap((known) => [...known]));
  }
}

/** Ends machines, many with one call, and tells when EC2 has confirmed it. */
export class Terminator {
  readonly #options: TerminatorOptions;
  readonly #ends: Coalescer<string, true>;
  readonly #marks: Coalescer<string, true>;

  constructor(options: TerminatorOptions) {
    this.#options = options;
    const shared = { windowMs: WINDOW_MS, maxKeys: MAX_IDS, clock: options.clock };
    this.#ends = new Coalescer<string, true>({
      ...shared,
      run: (ids) => forKnown(ids, (known) => this.#terminate(known)),
    });
    this.#marks = new Coalescer<string, true>({ ...shared, run: (ids) => forKnown(ids, (known) => this.#mark(known)) });
  }

  /** Resolves once EC2 says that the machine has ended, or does not know it any more; a new one it may not know yet. */
  async end(instanceId: string, signal: AbortSignal): Promise<void> {
    const { inventory, clock } = this.#options;
    for (let isTaken = false; ; await clock.sleep(LOOK_MS, signal)) {
      isTaken ||= (await this.#ends.get(instanceId, signal)) === true;
      const found = await inventory.ofId(instanceId, signal);
      if (found?.machine.state === 'ended') {
        await this.#marks.get(instanceId, signal);
        break;
      }
      if (found === undefined && (isTaken || !inventory.mayAppear(instanceId))) break;
    }
    inventory.ended(instanceId);
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
