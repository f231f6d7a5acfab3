import type { Logger } from 'pino';
import type { Clock } from '../../../src/core/clock.ts';
import type { LaunchRequest } from '../../contract.ts';
import type { AwsClient } from '../api/aws-client.ts';
import type { CellBoot } from '../boot.ts';
import type { Inventory } from '../instances/inventory.ts';
import type { Ec2Machine } from '../instances/machine.ts';
import { shapeText } from '../instances/shape.ts';
import { assignmentTags, launchTags, TAG, type Tags } from '../instances/tags.ts';
import type { Terminator } from '../instances/terminator.ts';
import type { Owner } from '../options.ts';
import type { AwsEc2Settings } from '../settings.ts';
import { Assignments } from './assignments.ts';
import { Attempts } from './attempts.ts';
import { Batches } from './batches.ts';
import { fleetRequest, launchIdOf, shortfallOf } from './fleet-request.ts';
import { type Fleet, Fleets, type Given } from './fleets.ts';
import { describedMachine } from './fresh-machine.ts';
import { Network } from './network.ts';
import { type Order, offeringOf, orderOf } from './order.ts';
import { Shortages } from './shortages.ts';
import { Spares } from './spares.ts';
import { Templates } from './templates.ts';
import { UnusedTemplates } from './unused-templates.ts';

export interface LauncherOptions {
  readonly client: AwsClient;
  readonly settings: AwsEc2Settings;
  readonly owner: Owner;
  readonly boot: CellBoot;
  readonly inventory: Inventory;
  readonly terminator: Terminator;
  readonly clock: Clock;
  readonly stopped: AbortSignal;
  readonly logger: Logger;
}

const WINDOW_MS = 50;
/** A fleet of more could take the rate of machines of all others. */
const MAX_BATCH = 100;
const LAUNCH_DEADLINE_MS = 110_000;

/** Launches machines for cells: what is alike with one request, each with an outcome of its own. */
export class Launcher {
  readonly spares: Spares;
  readonly #options: LauncherOptions;
  readonly #network: Network;
  readonly #templates: Templates;
  readonly #unused: UnusedTemplates;
  readonly #fleets: Fleets;
  readonly #shortages: Shortages;
  readonly #batches: Batches<Order, Ec2Machine>;
  readonly #assignments: Assignments;
  readonly #attempts = new Attempts();

  constructor(options: LauncherOptions) {
    const { client, inventory, clock } = options;
    this.#options = options;
    this.spares = new Spares();
    this.#network = new Network(options);
    this.#templates = new Templates(client, clock);
    this.#unused = new UnusedTemplates(options);
    this.#assignments = new Assignments(options);
    this.#shortages = new Shortages(clock);
    this.#fleets = new Fleets({ client, inventory, clock });
    const run = (_kind: string, orders: readonly Order[]) => this.#launchAll(orders);
    this.#batches = new Batches({ windowMs: WINDOW_MS, maxSize: MAX_BATCH, run, clock });
  }

  /** A machine that is the cell's. @throws NodelessError of the provider contract */
  async launch(request: LaunchRequest, signal: AbortSignal): Promise<Ec2Machine> {
    const order = await orderOf(request, { ...this.#options, network: this.#network }, signal);
    const spare = await this.#claim(order.kind, signal);
    if (spare === undefined) return this.#batches.add(order.kind, order, signal);
    // Noted at once as the cell's, so nobody else can have it from then on.
    const { instanceId, tags, machine } = spare;
    const { instanceType, zone } = machine;
    const become = this.#become(order, { instanceId, instanceType, zone }, { tags, isTagged: false });
    this.spares.release(instanceId);
    return become;
  }

  /** A machine of the kind that nobody has, as EC2 has it now: another process may have assigned it since it was listed. */
  async #claim(kind: string, signal: AbortSignal): Promise<Ec2Machine | undefined> {
    for (;;) {
      const spare = this.spares.take(kind);
      if (spare === undefined) return undefined;
      const now = await this.#options.inventory.ofId(spare.instanceId, signal).catch((error) => {
        this.spares.release(spare.instanceId);
        throw error;
      });
      if (now !== undefined && this.spares.isSpare(now)) return now;
      this.spares.release(spare.instanceId);
    }
  }

  /** Resolves once the tags of the cell's machine say that it is the cell. */
  async untilTagged(cellId: string, signal: AbortSignal): Promise<void> {
    await this.#assignments.settled(cellId, signal);
  }

  /** The cell ends. */
  forget(cellId: string): void {
    this.#assignments.cancel(cellId);
  }

  /** One outcome for each order, in their order. */
  async #launchAll(orders: readonly Order[]): Promise<readonly PromiseSettledResult<Ec2Machine>[]> {
    const signal = this.#deadline();
    const cellIds = orders.map(({ request }) => request.tags.cellId);
    const launchId = launchIdOf([this.#options.owner.clusterUid, ...cellIds]);
    this.spares.begin(launchId);
    try {
      const { machines, errors, unsettled } = await this.#ask(orders, launchId, signal);
      if (machines.length >= orders.length) this.#attempts.succeeded(launchId);
      else if (unsettled === undefined) this.#attempts.lacked(launchId);
      return await Promise.allSettled(
        orders.map(async (order, index) => {
          const given = machines[index];
          const { request, pools } = order;
          if (given === undefined) throw unsettled ?? shortfallOf(errors, request.offering, pools.length - 1);
          const tags = this.#tags(orders, order, launchId);
          return this.#become(order, given, { tags, isTagged: orders.length === 1 });
        }),
      );
    } catch (reason) {
      this.#attempts.threw(launchId, reason);
      return orders.map(() => ({ status: 'rejected', reason }));
    } finally {
      this.spares.finish(launchId);
    }
  }

  #tags(orders: readonly Order[], { request, kind }: Order, launchId: string): Tags {
    const { offering, tags, cellClass } = request;
    const { cellClass: className } = tags;
    const common = launchTags({ home: tags, launchId, kind, offering, className, classTags: cellClass.spec.tags });
    // A machine that can only be this cell's is so from its first moment.
    return orders.length === 1 ? { ...common, ...assignmentTags(tags) } : common;
  }

  async #ask(orders: readonly Order[], launchId: string, signal: AbortSignal): Promise<Fleet> {
    const [first] = orders;
    if (first === undefined) return { machines: [], errors: [] };
    return this.#shortages.ask(first.request.offering, () => this.#create(orders, first, launchId, signal));
  }

  async #create(orders: readonly Order[], first: Order, launchId: string, signal: AbortSignal): Promise<Fleet> {
    const { pools, request } = first;
    const templates = [...new Map(pools.map(({ template }) => [template.name, template])).values()];
    const named = pools.map(({ template, offering, subnets }) => ({ templateName: template.name, offering, subnets }));
    const parts = { pools: named, count: orders.length, launchId };
    const tags = this.#tags(orders, first, launchId);
    const create = (isAgain: boolean) => {
      // The same client token would get the same answer again.
      if (isAgain) this.#attempts.lacked(launchId);
      for (const { name } of templates) this.#unused.used(name, request.tags);
      const fleet = fleetRequest({ ...parts, tags, attempt: this.#attempts.of(launchId) });
      return this.#fleets.create(fleet, launchId, signal);
    };
    return this.#templates.use(templates, create, signal);
  }

  /** The machine is the cell's now. Its tags say so presently: until it registers, it could stand in for any of its kind. */
  async #become(
    order: Order,
    given: Given,
    { tags, isTagged: isAssigned }: { readonly tags: Tags; readonly isTagged: boolean },
  ): Promise<Ec2Machine> {
    const { clock } = this.#options;
    const { request } = order;
    const { instanceId } = given;
    const { cellId } = request.tags;
    const offering = offeringOf(order, given);
    // All of a launch are tagged as what was chosen first.
    const shape = shapeText(offering);
    const isTagged = isAssigned && tags[TAG.shape] === shape;
    const assignment = {
      ...assignmentTags(request.tags),
      ...(tags[TAG.shape] === shape ? {} : { [TAG.shape]: shape }),
    };
    const own = { ...tags, ...assignment };
    const fresh = { instanceId, tags: own, offering, nowMs: clock.now(), isTagged };
    const described = describedMachine(fresh, this.#options, this.#deadline());
    if (!isTagged) {
      const { mayAct = () => true } = request;
      this.#assignments.assign({ cellId, instanceId, tags: assignment, mayAct });
    }
    return described;
  }

  #deadline(): AbortSignal {
    return AbortSignal.any([this.#options.stopped, AbortSignal.timeout(LAUNCH_DEADLINE_MS)]);
  }
}
