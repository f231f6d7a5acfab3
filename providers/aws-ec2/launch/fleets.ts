import type { CreateFleetCommandInput, CreateFleetError, CreateFleetInstance } from '@aws-sdk/client-ec2';
import { createBackoff } from '../../../src/core/backoff.ts';
import type { Clock } from '../../../src/core/clock.ts';
import { isNodelessError, NodelessError } from '../../../src/core/errors.ts';
import { AdaptiveRate } from '../api/adaptive-rate.ts';
import type { AwsClient } from '../api/aws-client.ts';
import { failureOf } from '../api/failure.ts';
import type { Inventory } from '../instances/inventory.ts';
import { wireErrorOf } from './fleet-request.ts';
import { isMissingTemplate } from './templates.ts';

export interface FleetsOptions {
  readonly client: AwsClient;
  readonly inventory: Inventory;
  readonly clock: Clock;
}

/** A machine that EC2 has given. */
export interface Given {
  readonly instanceId: string;
  readonly instanceType: string;
  /** Undefined where the answer does not say. */
  readonly zone?: string | undefined;
}

/** What came of a request for machines. */
export interface Fleet {
  readonly machines: readonly Given[];
  readonly errors: readonly CreateFleetError[];
  /** Where machines are missing of which nobody knows whether they come. */
  readonly unsettled?: NodelessError;
}

/**
 * What EC2 grants an account of new machines, whatever number of requests they come by. Source: "Resource rate limits" of the
 * EC2 Developer Guide.
 */
const MACHINES = { perSecond: 2, burst: 1_000, leastShare: 0.25 };
const SETTLE_ATTEMPTS = 4;
const SETTLE_MIN_MS = 1_000;
const SETTLE_MAX_MS = 8_000;

function wantedOf({ TargetCapacitySpecification }: CreateFleetCommandInput): number {
  return TargetCapacitySpecification?.TotalTargetCapacity ?? 0;
}

/** Whether there are all machines, or EC2 says why not; one error may be about many. */
function isExplained(request: CreateFleetCommandInput, { machines, errors }: Fleet): boolean {
  return machines.length >= wantedOf(request) || errors.length > 0;
}

function givenOf(one: CreateFleetInstance): readonly Given[] {
  const { InstanceIds = [], InstanceType: instanceType = '', LaunchTemplateAndOverrides } = one;
  const zone = LaunchTemplateAndOverrides?.Overrides?.AvailabilityZone;
  return InstanceIds.map((instanceId) => ({ instanceId, instanceType, zone }));
}

function tooMany(cause: unknown): never {
  const message = 'EC2 gives an account only so many new machines a second; it is asked again';
  throw new NodelessError({ code: 'Throttled', retryable: true, message, cause });
}

function isThrottling(error: CreateFleetError): boolean {
  return failureOf(wireErrorOf(error), { action: 'ec2:CreateFleet' }).code === 'Throttled';
}

/** Requests for machines, whose outcome is settled also where the answer is lost. */
export class Fleets {
  readonly #options: FleetsOptions;
  readonly #machines: AdaptiveRate;

  constructor(options: FleetsOptions) {
    this.#options = options;
    this.#machines = new AdaptiveRate(MACHINES, options.clock);
  }

  /**
   * Asks for machines, and where nobody knows what came of it, looks for them by their launch, and asks for the same
   * again: by the same client token, EC2 does nothing twice.
   * @throws NodelessError of the provider contract; AmbiguousOutcome where it could not be settled
   */
  async create(request: CreateFleetCommandInput, launchId: string, signal: AbortSignal): Promise<Fleet> {
    const backoff = createBackoff(SETTLE_MIN_MS, SETTLE_MAX_MS);
    await this.#machines.take(signal, wantedOf(request)).catch(tooMany);
    for (let attempt = 1; ; attempt += 1) {
      try {
        const fleet = await this.#ask(request, signal);
        return isExplained(request, fleet) ? fleet : await this.#completed(fleet, launchId, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!isNodelessError(error, 'AmbiguousOutcome')) {
          if (!isNodelessError(error, 'Throttled')) this.#machines.giveBack(wantedOf(request));
          throw error;
        }
        await this.#options.clock.sleep(backoff.next(), signal);
        const found = await this.#found(launchId, signal);
        if (found.length >= wantedOf(request)) return { machines: found, errors: [] };
        if (attempt < SETTLE_ATTEMPTS) continue;
        if (found.length > 0) return { machines: found, errors: [], unsettled: error };
        throw error;
      }
    }
  }

  async #ask(request: CreateFleetCommandInput, signal: AbortSignal): Promise<Fleet> {
    const sentAtMs = this.#options.clock.now();
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
    const machines = Instances.flatMap(givenOf);
    const isThrottled = errors.some(isThrottling);
    if (isThrottled) this.#machines.throttled(sentAtMs);
    else this.#machines.succeeded();
    const missing = errors.find(({ ErrorCode }) => isMissingTemplate(ErrorCode));
    if (missing !== undefined && machines.length === 0)
      throw failureOf(wireErrorOf(missing), { action: 'ec2:CreateFleet' });
    // What EC2 has not is no new machine; what it throttled has cost its turn.
    if (errors.length > 0 && !isThrottled) this.#machines.giveBack(wantedOf(request) - machines.length);
    return { machines, errors };
  }

  /** The answer lacks machines and does not say why: those that are there after all are found by their launch. */
  async #completed(fleet: Fleet, launchId: string, signal: AbortSignal): Promise<Fleet> {
    await this.#options.clock.sleep(SETTLE_MIN_MS, signal);
    const found = await this.#found(launchId, signal);
    const known = new Set(fleet.machines.map(({ instanceId }) => instanceId));
    return { ...fleet, machines: [...fleet.machines, ...found.filter(({ instanceId }) => !known.has(instanceId))] };
  }

  async #found(launchId: string, signal: AbortSignal): Promise<readonly Given[]> {
    const found = await this.#options.inventory.ofLaunch(launchId, signal).catch(() => []);
    return found.map(({ instanceId, machine: { instanceType, zone } }) => ({ instanceId, instanceType, zone }));
  }
}
