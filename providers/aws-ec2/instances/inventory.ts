import type { Instance } from '@aws-sdk/client-ec2';
import type { Clock } from '../../../src/core/clock.ts';
import type { AwsClient } from '../api/aws-client.ts';
import { Coalescer } from '../coalescer.ts';
import type { Owner } from '../options.ts';
import { describeByIds, describeByTags } from './describe.ts';
import { type Ec2Machine, machineOf, tagsOf } from './machine.ts';
import { Recent } from './recent.ts';
import { TAG } from './tags.ts';

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
/** For so long a call may still say that a new machine does not exist. */
const YOUNG_MS = 300_000;
/** EC2 tells of a machine for about an hour after its end. */
const TOLD_OF_MS = 4_500_000;

/** The machines of a virtual node, as EC2 describes them, and as this process knows better where descriptions lag. */
export class Inventory {
  readonly #options: InventoryOptions;
  /** Machines as this process has made them, until descriptions show it for certain. */
  readonly #assigned: Recent<Ec2Machine>;
  readonly #ended: Recent<true>;
  readonly #young: Recent<true>;
  /** Machines that could not become their cells, by these. */
  readonly #failed: Recent<Ec2Machine>;
  /** Machines whose tags do not say yet which cell they are. */
  readonly #untagged = new Map<string, Ec2Machine>();
  /** Ids of the machines that were seen last, or launched since, by their cell. */
  #idsByCell = new Map<string, readonly string[]>();
  readonly #byCell: Coalescer<string, readonly Ec2Machine[]>;
  readonly #byId: Coalescer<string, Ec2Machine>;

  constructor(options: InventoryOptions) {
    const { client, owner, clock } = options;
    this.#options = options;
    this.#assigned = new Recent(LAG_MS, clock);
    this.#ended = new Recent(TOLD_OF_MS, clock);
    this.#young = new Recent(YOUNG_MS, clock);
    this.#failed = new Recent(TOLD_OF_MS, clock);
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
    const all = [...found, ...this.#unseen().filter(({ instanceId }) => !ids.has(instanceId))];
    this.#idsByCell = new Map();
    for (const one of all) this.#remember(one);
    return [...all, ...this.#failed.ids().flatMap((cellId) => this.#failed.get(cellId) ?? [])];
  }

  /** Machines of a launch. */
  async ofLaunch(launchId: string, signal: AbortSignal): Promise<readonly Ec2Machine[]> {
    const { client, owner } = this.#options;
    return this.#machines(await describeByTags(client, owner, { [TAG.launch]: [launchId] }, signal));
  }

  /** The machines of a cell: one, but for what an outage may have doubled. */
  async ofCell(cellId: string, signal: AbortSignal): Promise<readonly Ec2Machine[]> {
    const found = (await this.#byCell.get(cellId, signal)) ?? [];
    if (found.length > 0) return found;
    const ids = this.#idsByCell.get(cellId) ?? [];
    return ids.flatMap((id) => this.#launched(id) ?? []);
  }

  /** Ids of the machines of a cell; EC2 is asked only where they are not known. */
  async idsOf(cellId: string, signal: AbortSignal): Promise<readonly string[]> {
    const known = this.#idsByCell.get(cellId);
    return known ?? (await this.ofCell(cellId, signal)).map(({ instanceId }) => instanceId);
  }

  /** One machine, ended ones included; undefined where EC2 does not know it (any more, or yet). */
  async ofId(instanceId: string, signal: AbortSignal): Promise<Ec2Machine | undefined> {
    return this.#byId.get(instanceId, signal);
  }

  /** Whether EC2 may say of a machine that it does not exist only since it is new. */
  mayAppear(instanceId: string): boolean {
    return this.#young.get(instanceId) === true;
  }

  /** The machine can't become its cell, and is about to end: told of as ended by the cell's id, which EC2 does not know. */
  failed(instanceId: string, reason: string): void {
    const one = this.#launched(instanceId);
    if (one === undefined) return;
    const endCause = { code: 'InvalidConfig' as const };
    const machine = { ...one.machine, state: 'ended' as const, reason, endCause };
    this.#failed.note(machine.tags.cellId, { ...one, machine });
  }

  /** The cell has ended. */
  forget(cellId: string): void {
    this.#failed.forget(cellId);
  }

  /** The machine is left to whoever leads now: what this process was to write onto it counts no more. */
  left(instanceId: string): void {
    this.#untagged.delete(instanceId);
  }

  /** This process has launched the machine, or claimed it, and its tags say which cell it is, or will do so presently. */
  assigned(one: Ec2Machine, { isTagged }: { readonly isTagged: boolean }): void {
    this.#remember(one);
    this.#noteAge(one);
    if (isTagged) this.#assigned.note(one.instanceId, one);
    else this.#untagged.set(one.instanceId, one);
  }

  /** EC2 describes a machine that this process has launched. */
  described(one: Ec2Machine): void {
    if (this.#untagged.has(one.instanceId)) this.#untagged.set(one.instanceId, one);
    else if (this.#ended.get(one.instanceId) !== true) this.#assigned.note(one.instanceId, one);
  }

  /** The tags of a machine say which cell it is. */
  tagged(instanceId: string): void {
    const one = this.#untagged.get(instanceId);
    this.#untagged.delete(instanceId);
    if (one !== undefined) this.#assigned.note(instanceId, one);
  }

  /** This process has ended the machine, and EC2 has confirmed it. */
  ended(instanceId: string): void {
    this.#untagged.delete(instanceId);
    this.#assigned.forget(instanceId);
    this.#ended.note(instanceId, true);
  }

  #noteAge({ instanceId, machine }: Ec2Machine): void {
    const isYoung = this.#options.clock.now() - machine.createdAtMs < YOUNG_MS;
    if (isYoung && !this.mayAppear(instanceId)) this.#young.note(instanceId, true);
  }

  #remember({ instanceId, machine }: Ec2Machine): void {
    const { cellId } = machine.tags;
    const ids = this.#idsByCell.get(cellId) ?? [];
    if (!ids.includes(instanceId)) this.#idsByCell.set(cellId, [...ids, instanceId]);
  }

  /** A machine as this process knows that it is, where descriptions may not show it. */
  #launched(instanceId: string): Ec2Machine | undefined {
    return this.#untagged.get(instanceId) ?? this.#assigned.get(instanceId);
  }

  #unseen(): readonly Ec2Machine[] {
    return [...this.#untagged.keys(), ...this.#assigned.ids()].flatMap((id) => this.#launched(id) ?? []);
  }

  #deadline(): AbortSignal {
    return AbortSignal.any([this.#options.stopped, AbortSignal.timeout(DEADLINE_MS)]);
  }

  #machines(instances: readonly Instance[], withEnded = false): readonly Ec2Machine[] {
    return instances.flatMap((instance) => {
      const { InstanceId: id = '' } = instance;
      const described = tagsOf(instance);
      const machine = machineOf(instance, { ...described, ...this.#launched(id)?.tags });
      if (machine === undefined) return [];
      this.#noteAge(machine);
      // One that is described as running long after its end was confirmed runs.
      const isConfirmed = machine.machine.state === 'ended';
      const isMarked = isConfirmed && described[TAG.ended] !== undefined;
      const isEnded = isMarked || this.#ended.get(id, isConfirmed ? TOLD_OF_MS : LAG_MS) === true;
      if (isEnded && !withEnded) return [];
      const { [TAG.cell]: describedCell } = described;
      return [{ ...machine, ...(describedCell === undefined ? {} : { describedCell }) }];
    });
  }
}
