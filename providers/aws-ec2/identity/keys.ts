import type { Clock } from '../../../src/core/clock.ts';
import { NodelessError } from '../../../src/core/errors.ts';
import type { AwsClient } from '../api/aws-client.ts';
import type { Inventory } from '../instances/inventory.ts';
import type { Ec2Machine } from '../instances/machine.ts';
import { TAG, type Tags, tagList } from '../instances/tags.ts';

export interface KeysOptions {
  readonly client: AwsClient;
  readonly inventory: Inventory;
  readonly clock: Clock;
}

/** Descriptions lag behind tags by seconds. */
const SEEN_WITHIN_MS = 5_000;
const LOOK_MS = 250;
/** Of the fingerprint, in the tag's key: tags are never overwritten, so that two at once are both seen. */
const NAME_LENGTH = 32;

/** The fingerprints that a machine's tags have. */
export function keysOf(tags: Tags): readonly string[] {
  return Object.entries(tags).flatMap(([key, value]) => (key.startsWith(TAG.key) ? [value] : []));
}

/** Which key a machine asks for its certificate with: the first one, written onto the machine, and no other ever after. */
export class Keys {
  readonly #options: KeysOptions;
  readonly #underWay = new Map<string, Promise<unknown>>();

  constructor(options: KeysOptions) {
    this.#options = options;
  }

  /**
   * True for the machine's first key, and for the same again; false for any other. Of two at the same time in two
   * processes at most one is true.
   * @throws NodelessError of the provider contract; AmbiguousOutcome where EC2 does not show the tag in time
   */
  async admit(instanceId: string, fingerprint: string, signal: AbortSignal): Promise<boolean> {
    const before = this.#underWay.get(instanceId) ?? Promise.resolve();
    const turn = before.then(() => this.#admit(instanceId, fingerprint, signal));
    const settled = turn.catch(() => undefined);
    this.#underWay.set(instanceId, settled);
    try {
      return await turn;
    } finally {
      if (this.#underWay.get(instanceId) === settled) this.#underWay.delete(instanceId);
    }
  }

  async #admit(instanceId: string, fingerprint: string, signal: AbortSignal): Promise<boolean> {
    const isIt = (found: Ec2Machine) => keysOf(found.tags).every((key) => key === fingerprint);
    const found = await this.#options.inventory.ofId(instanceId, signal);
    if (found !== undefined && keysOf(found.tags).length > 0) return isIt(found);
    await this.#write(instanceId, fingerprint, signal);
    return isIt(await this.#written(instanceId, fingerprint, signal));
  }

  async #write(instanceId: string, fingerprint: string, signal: AbortSignal): Promise<void> {
    const Tags = tagList({ [TAG.key + fingerprint.slice(0, NAME_LENGTH)]: fingerprint });
    await this.#options.client.call(
      {
        action: 'ec2:CreateTags',
        family: 'tag',
        identity: { instance: instanceId },
        run: ({ ec2 }, abortSignal) => ec2.createTags({ Resources: [instanceId], Tags }, { abortSignal }),
      },
      signal,
    );
  }

  /** The machine once its description shows the key, and so every key that was written before it. */
  async #written(instanceId: string, fingerprint: string, signal: AbortSignal): Promise<Ec2Machine> {
    const { inventory, clock } = this.#options;
    const untilMs = clock.now() + SEEN_WITHIN_MS;
    for (;;) {
      const found = await inventory.ofId(instanceId, signal);
      if (found !== undefined && keysOf(found.tags).includes(fingerprint)) return found;
      if (clock.now() >= untilMs) break;
      await clock.sleep(LOOK_MS, signal);
    }
    const message = `EC2 does not show yet that ${instanceId} has its key; the machine asks again`;
    throw new NodelessError({
      code: 'AmbiguousOutcome',
      retryable: true,
      message,
      identity: { instance: instanceId },
    });
  }
}
