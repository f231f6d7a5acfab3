import type { CreateFleetCommandInput, CreateFleetError } from '@aws-sdk/client-ec2';
import { createBackoff } from '../../../src/core/backoff.ts';
import type { Clock } from '../../../src/core/clock.ts';
import { isNodelessError, type NodelessError } from '../../../src/core/errors.ts';
import type { AwsClient } from '../api/aws-client.ts';
import type { Inventory } from '../instances/inventory.ts';

export interface FleetsOptions {
  readonly client: AwsClient;
  readonly inventory: Inventory;
  readonly clock: Clock;
}

/** What came of a request for machines. */
export interface Fleet {
  readonly instanceIds: readonly string[];
  readonly errors: readonly CreateFleetError[];
  /** Where machines are missing of which nobody knows whether they come. */
  readonly unsettled?: NodelessError;
}

const SETTLE_ATTEMPTS = 4;
const SETTLE_MIN_MS = 1_000;
const SETTLE_MAX_MS = 8_000;

/** Requests for machines, whose outcome is settled also where the answer is lost. */
export class Fleets {
  readonly #options: FleetsOptions;

  constructor(options: FleetsOptions) {
    this.#options = options;
  }

  /**
   * Asks for machines, and where nobody knows what came of it, looks for them by their launch, and asks for the same
   * again: by the same client token, EC2 does nothing twice.
   * @throws NodelessError of the provider contract; AmbiguousOutcome where it could not be settled
   */
  async create(request: CreateFleetCommandInput, launchId: string, signal: AbortSignal): Promise<Fleet> {
    const backoff = createBackoff(SETTLE_MIN_MS, SETTLE_MAX_MS);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#ask(request, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!isNodelessError(error, 'AmbiguousOutcome')) throw error;
        await this.#options.clock.sleep(backoff.next(), signal);
        const found = await this.#found(launchId, signal);
        const wanted = request.TargetCapacitySpecification?.TotalTargetCapacity ?? 0;
        if (found.length >= wanted) return { instanceIds: found, errors: [] };
        if (attempt < SETTLE_ATTEMPTS) continue;
        if (found.length > 0) return { instanceIds: found, errors: [], unsettled: error };
        throw error;
      }
    }
  }

  async #ask(request: CreateFleetCommandInput, signal: AbortSignal): Promise<Fleet> {
    const answer = await this.#options.client.call(
      {
        action: 'ec2:CreateFleet',
        family: 'mutate',
        repeatable: false,
        run: ({ ec2 }, abortSignal) => ec2.createFleet(request, { abortSignal }),
      },
      signal,
    );
    const { Instances = [], Errors: errors = [] } = answer;
    return { instanceIds: Instances.flatMap(({ InstanceIds = [] }) => InstanceIds), errors };
  }

  async #found(launchId: string, signal: AbortSignal): Promise<readonly string[]> {
    const machines = await this.#options.inventory.ofLaunch(launchId, signal).catch(() => []);
    return machines.map(({ instanceId }) => instanceId);
  }
}
