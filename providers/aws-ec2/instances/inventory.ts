import type { Instance } from '@aws-sdk/client-ec2';
import type { Clock } from '../../../src/core/clock.ts';
import type { AwsClient } from '../api/aws-client.ts';
import { Coalescer } from '../coalescer.ts';
import type { Owner } from '../options.ts';
import { describeByIds, describeByTags } from './describe.ts';
import { type Ec2Machine, machineOf, tagsOf } from './machine.ts';
import { TAG, type Tags } from './tags.ts';

export interface InventoryOptions {
  readonly client: AwsClient;
  readonly owner: Owner;
  readonly clock: Clock;
  readonly stopped: AbortSignal;
}

/** EC2 takes 200 values of a filter. */
const MAX_VALUES = 200;
const WINDOW_MS = 25;
const DEADLINE_MS = 25_000;
/** Descriptions lag behind what was done by seconds; what this process did itself counts for so long. */
const LAG_MS = 120_000;

/** What this process did to a machine, until descriptions show it for certain. */
interface Done {
  readonly untilMs: number;
  readonly assigned?: Ec2Machine;
  readonly isEnded?: boolean;
}

/** The machines of a virtual node, as EC2 describes them, and as this process knows better where descriptions lag. */
export class Inventory {
  readonly #options: InventoryOptions;
  readonly #done = new Map<string, Done>();
  readonly #byCell: Coalescer<string, readonly Ec2Machine[]>;
  readonly #byId: Coalescer<string, Ec2Machine>;

  constructor(options: InventoryOptions) {
    const { client, owner, clock } = options;
    this.#options = options;
    const shared = { windowMs: WINDOW_MS, maxKeys: MAX_VALUES, clock };
    this.#byCell = new Coalescer<string, readonly Ec2Machine[]>({
      ...shared,
      run: async (cellIds) => {
        const found = this.#machines(await describeByTags(client, owner, { [TAG.cell]: cellIds }, this.#deadline()));
        return Map.groupBy(found, ({ machine }) => machine.tags.cellId);
      },
    });
    this.#byId = new Coalescer<string, Ec2Machine>({
      ...shared,
      run: async (ids) => {
        const found = this.#machines(await describeByIds(client, ids, this.#deadline()), true);
        return new Map(found.map((one) => [one.instanceId, one]));
      },
    });
  }

  /** All machines that have not been ended by the provider. */
  async list(signal: AbortSignal): Promise<readonly Ec2Machine[]> {
    const { client, owner } = this.#options;
    const found = this.#machines(await describeByTags(client, owner, {}, signal));
    const ids = new Set(found.map(({ instanceId }) => instanceId));
    return [...found, ...this.#unseen().filter(({ instanceId }) => !ids.has(instanceId))];
  }

  /** Machines of a launch. */
  async ofLaunch(launchId: string, signal: AbortSignal): Promise<readonly Ec2Machine[]> {
    const { client, owner } = this.#options;
    return this.#machines(await describeByTags(client, owner, { [TAG.launch]: [launchId] }, signal));
  }

  /** The machines of a cell: one, but for what an outage may have doubled. */
  async ofCell(cellId: string, signal: AbortSignal): Promise<readonly Ec2Machine[]> {
    const found = (await this.#byCell.get(cellId, signal)) ?? [];
    return found.length > 0 ? found : this.#unseen().filter(({ machine }) => machine.tags.cellId === cellId);
  }

  /** One machine, ended ones included; undefined where EC2 does not know it (any more, or yet). */
  async ofId(instanceId: string, signal: AbortSignal): Promise<Ec2Machine | undefined> {
    return this.#byId.get(instanceId, signal);
  }

  /** This process has launched the machine, and it is a cell's. */
  assigned(one: Ec2Machine): void {
    this.#note(one.instanceId, { assigned: one });
  }

  /** This process has ended the machine, and EC2 has confirmed it. */
  ended(instanceId: string): void {
    this.#note(instanceId, { isEnded: true });
  }

  #note(instanceId: string, done: Omit<Done, 'untilMs'>): void {
    const nowMs = this.#options.clock.now();
    // In the order of their being noted, so the first that counts still ends the search.
    for (const [id, { untilMs }] of this.#done) {
      if (untilMs > nowMs) break;
      this.#done.delete(id);
    }
    this.#done.delete(instanceId);
    this.#done.set(instanceId, { ...done, untilMs: nowMs + LAG_MS });
  }

  #unseen(): readonly Ec2Machine[] {
    const nowMs = this.#options.clock.now();
    return [...this.#done.values()].flatMap(({ assigned, untilMs }) =>
      assigned !== undefined && untilMs > nowMs ? [assigned] : [],
    );
  }

  #deadline(): AbortSignal {
    return AbortSignal.any([this.#options.stopped, AbortSignal.timeout(DEADLINE_MS)]);
  }

  #machines(instances: readonly Instance[], withEnded = false): readonly Ec2Machine[] {
    return instances.flatMap((instance) => {
      const done = this.#done.get(instance.InstanceId ?? '');
      const described = tagsOf(instance);
      const tags: Tags = { ...described, ...done?.assigned?.tags };
      const isEnded = done?.isEnded === true || described[TAG.ended] !== undefined;
      const machine = isEnded && !withEnded ? undefined : machineOf(instance, tags);
      return machine === undefined ? [] : [machine];
    });
  }
}
