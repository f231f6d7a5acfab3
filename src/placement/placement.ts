import type { CellProvider } from '../../providers/contract.ts';
import { scopeIn } from '../core/capacity-scope.ts';
import type { CellClass } from '../core/cell-class.ts';
import type { Clock } from '../core/clock.ts';
import { type Constraints, parseConstraints } from '../core/constraints.ts';
import { isNodelessError, isRefusal, NodelessError } from '../core/errors.ts';
import { CONSTRAINTS_ANNOTATION } from '../core/names.ts';
import { add, minus, type Resources } from '../core/resources.ts';
import { withRootVolume } from '../core/root-volume.ts';
import { podNeed } from '../core/sizing.ts';
import type { WirePod } from '../kube/wire-pod.ts';
import { type Admission, admissionOf, type Standing, withinClass } from './admission.ts';
import { type AgentSet, classAgentsRequest, type DaemonSets, requestOf } from './agents.ts';
import { Capacity, type Chosen } from './capacity.ts';
import type { CellClasses } from './cell-classes.ts';
import { pick, survey } from './choose.ts';
import { describeChoice, type Explanation, explain } from './explanation.ts';
import { Measured } from './measured.ts';
import { Offered } from './offered.ts';
import type { Correct, OfferingTable } from './offering-table.ts';
import { ownConstraints } from './own-terms.ts';
import { namesArchitecture, type Query } from './query.ts';
import { refusal } from './refusal.ts';
import { checkSheltered, type Policies } from './shelter.ts';
import { Spending } from './spending.ts';
import { type Stock, stockOf } from './stock.ts';
import { unsuitability } from './suitability.ts';

export interface PlacementOptions {
  readonly provider: Pick<CellProvider, 'offerings'>;
  readonly classes: CellClasses;
  readonly daemonSets: DaemonSets;
  /** The agents that are in every cell. */
  readonly injected: () => readonly AgentSet[];
  readonly policies: Policies;
  readonly clock: Clock;
  /** What a pod that asks for nothing gets, where its class does not say. */
  readonly defaultSize: Resources;
  /** CSI drivers whose node plugins cells have. */
  readonly csiDrivers: readonly string[];
  /** `kubernetes.io/arch` of the virtual node. */
  readonly arch: string;
  /** Told once of each time in which the offerings can not be read; those that are known count on. */
  readonly onOfferingsFailed?: (error: unknown) => void;
}

/** What was chosen for a pod, and why in words. */
export interface Choice extends Chosen {
  readonly need: Resources;
  readonly why: string;
}

/** For what a cell is chosen, beyond its pod. */
export interface Asked {
  /** Pods that share the cell: their needs are added, and what any of them asks of its machine holds. */
  readonly company?: readonly WirePod[];
  /** Without it nothing is counted: it is only asked what would be chosen. */
  readonly cellId?: string;
  /** Cells that end for this one: what they cost is left to spend. */
  readonly insteadOf?: readonly string[];
}

/** What a cell is to be like that is no pod's own. */
export interface Like {
  /** The default class unless given. */
  readonly className?: string | undefined;
  readonly constraints?: readonly Constraints[];
  /** Cells that end for it: what they cost is left to spend. */
  readonly insteadOf?: readonly string[];
}

/**
 * Chooses what a pod's cell is launched as. Remembers which offerings had no capacity, what machines turned out to have,
 * and what each class has spent.
 */
export class Placement {
  readonly #options: PlacementOptions;
  readonly #capacity: Capacity;
  #lastLaunchMs: number | undefined;
  readonly #spending = new Spending();
  readonly #roomListeners = new Set<(className: string) => void>();
  readonly #measured: Measured;
  readonly #offered: Offered;
  /** Objects never change, and each is asked of for every other that may share its cell. */
  readonly #needs = new WeakMap<WirePod, { readonly defaults: Resources; readonly need: Resources }>();

  constructor(options: PlacementOptions) {
    this.#options = options;
    const { provider, clock, onOfferingsFailed = () => undefined } = options;
    this.#capacity = new Capacity(clock);
    this.#measured = new Measured(clock);
    const correct: Correct = (offering, spec) => this.#measured.correct(withRootVolume(offering, spec), spec);
    this.#offered = new Offered({ provider, clock, correct, onFailure: onOfferingsFailed });
  }

  /** What a pod takes of its machine; where its class can not be read, with the configured default. @throws NodelessError InvalidQuantity */
  need(pod: WirePod): Resources {
    const defaults = this.#classOrNone(pod)?.spec.defaultSize ?? this.#options.defaultSize;
    const known = this.#needs.get(pod);
    if (known?.defaults === defaults) return known.need;
    const need = podNeed(pod, defaults);
    this.#needs.set(pod, { defaults, need });
    return need;
  }

  /**
   * The best offering for the pod, or for it and the company that shares its cell. With a cell's id it counts to
   * the budget of the class as that cell until `release`.
   * @throws NodelessError InvalidConfig (the pod can't run on a cell), ConfigInvalid (its constraints can't be read),
   * InvalidQuantity, NoCellClass, NotEnforced, NoOffering, InsufficientCapacity or BudgetExceeded; and while the cloud launches
   * nothing for the class, what it said last.
   */
  async choose(pod: WirePod, { company, cellId, insteadOf }: Asked, signal: AbortSignal): Promise<Choice> {
    const table = await this.#offered.table(signal);
    // A cell that is asked for again under its id must not be in its own way.
    if (cellId !== undefined) this.#spending.release(cellId);
    return this.#choose(table, this.#queryOf(pod, company, insteadOf), cellId);
  }

  /** The best offering of at least this size, for a cell that is no pod's own. @throws as `choose` */
  async chooseSize(need: Resources, cellId: string | undefined, signal: AbortSignal, like: Like = {}): Promise<Choice> {
    const { classes } = this.#options;
    const { className, constraints = [], insteadOf } = like;
    const table = await this.#offered.table(signal);
    if (cellId !== undefined) this.#spending.release(cellId);
    const cellClass = className === undefined ? classes.default() : classes.required(className);
    const query = this.#query({ cellClass, need, constraints });
    return this.#choose(table, { ...query, room: this.#spending.room(cellClass, insteadOf) }, cellId);
  }

  #choose(table: OfferingTable, query: Query, cellId: string | undefined): Choice {
    const { cellClass, need } = query;
    const offered = table.ofClass(cellClass.spec);
    const known = offered.refusals.of(query);
    if (known !== undefined) throw known;
    const barred = this.#capacity.refusalOf(cellClass.spec);
    if (barred !== undefined) throw barred;
    const canBeHad = this.#capacity.now(cellClass.spec);
    const { entry, ...how } = pick(query, offered, canBeHad);
    if (entry === undefined) {
      const refused = refusal(query, how.passed, () => survey(query, offered, canBeHad));
      if (refused.code === 'NoOffering') offered.refusals.note(query, refused);
      throw refused;
    }
    const { offering } = entry;
    if (cellId !== undefined) this.#hold(cellId, cellClass.name, offering.pricePerHourUsd);
    return { offering, cellClass, need, why: describeChoice(query, entry, how) };
  }

  /** All that there is to say of a pod's choice as it would be now; nothing is counted. @throws as `choose`, but for what the explanation tells. */
  async explain(pod: WirePod, signal: AbortSignal, company: readonly WirePod[] = []): Promise<Explanation> {
    const table = await this.#offered.table(signal);
    const query = this.#queryOf(pod, company);
    const offered = table.ofClass(query.cellClass.spec);
    const canBeHad = this.#capacity.now(query.cellClass.spec);
    const chosen = pick(query, offered, canBeHad);
    const found = survey(query, offered, canBeHad);
    const refused = chosen.entry === undefined ? refusal(query, chosen.passed, () => found) : undefined;
    return explain(query, chosen, found, refused);
  }

  /**
   * Tells of machines that are there why the pod may not be on them, whatever room they have.
   * @throws NodelessError as `choose`, for what is about the pod itself
   */
  async admission(pod: WirePod, signal: AbortSignal): Promise<Admission> {
    const cellClass = this.#options.classes.of(pod);
    return withinClass(cellClass.name, await this.#admissionTo(cellClass, pod, signal));
  }

  /** The same of the node cell, which is of the default class for all. @throws as `admission` */
  async nodeCellAdmission(pod: WirePod, signal: AbortSignal): Promise<Admission> {
    return this.#admissionTo(this.#options.classes.default(), pod, signal);
  }

  async #admissionTo(cellClass: CellClass, pod: WirePod, signal: AbortSignal): Promise<Admission> {
    const constraints = this.#demandsOf(pod, cellClass);
    this.need(pod);
    const { arch } = this.#options;
    const { architectures } = (await this.#offered.table(signal)).ofClass(cellClass.spec);
    return admissionOf(constraints, architectures.has(arch) ? arch : undefined);
  }

  /** Tells what pods may have together of what a machine has: its agents take some, and a burstable one gives no more than its baseline. */
  async shares(signal: AbortSignal): Promise<(on: Standing, have: Resources) => Resources> {
    const table = await this.#offered.table(signal);
    return ({ className, machine }, have) => {
      const baseline = table.baselineCpuMilli(machine?.instanceType ?? '') ?? have.cpuMilli;
      const counted = { ...have, cpuMilli: Math.min(have.cpuMilli, baseline) };
      return minus(counted, this.#agentsOf(className));
    };
  }

  /** What the agents take of a class's machines that are not in every cell. */
  classAgents(className: string): Resources {
    const { classes, daemonSets, injected } = this.#options;
    return classAgentsRequest(classes.named(className)?.spec ?? { agents: [] }, daemonSets, injected());
  }

  #agentsOf(className: string): Resources {
    return add(this.classAgents(className), requestOf(this.#options.injected()));
  }

  /** Whether a pod may be on a machine that is chosen for another; room and what both ask of it are another question. */
  maySit(pod: WirePod, founder: WirePod): boolean {
    try {
      const { classes } = this.#options;
      const cellClass = classes.of(pod);
      this.#demandsOf(pod, cellClass);
      this.need(pod);
      return cellClass.name === classes.of(founder).name;
    } catch (error) {
      if (isNodelessError(error)) return false;
      throw error;
    }
  }

  /** What the default class has of offerings, and what of that has no capacity. @throws NodelessError NoCellClass */
  async stock(signal: AbortSignal): Promise<Stock> {
    const table = await this.#offered.table(signal);
    const { classes, arch } = this.#options;
    return stockOf(table.ofClass(classes.default().spec), arch, this.#capacity.now());
  }

  /** When the cloud accepted a launch last; undefined before the first. */
  get lastLaunchMs(): number | undefined {
    return this.#lastLaunchMs;
  }

  /** Counts a cell that was chosen by another process to its class's budget. */
  hold(cellId: string, className: string, pricePerHourUsd: number): void {
    this.#spending.hold(cellId, className, pricePerHourUsd);
  }

  /** While this says that not all cells are counted yet, classes with a budget get none. */
  completeWhen(isComplete: () => boolean): void {
    this.#spending.completeWhen(isComplete);
  }

  /** A cell has ended, or nothing came of it. */
  release(cellId: string): void {
    const className = this.#spending.release(cellId);
    if (className !== undefined) this.#tellOfRoom(className);
  }

  /**
   * Calls back with the name of a class whose budget may have something left for another pod that waits: it had room a moment
   * ago, or has more than before. The returned function ends that.
   */
  onBudgetRoom(listener: (className: string) => void): () => void {
    this.#roomListeners.add(listener);
    return () => this.#roomListeners.delete(listener);
  }

  #hold(cellId: string, className: string, pricePerHourUsd: number): void {
    this.#spending.hold(cellId, className, pricePerHourUsd);
    this.#tellOfRoom(className);
  }

  #tellOfRoom(className: string): void {
    for (const listener of this.#roomListeners) listener(className);
  }

  /** A launch failed: what lacks, or is refused, is left out for a while that grows with each failure. Of other errors nothing is learned. */
  launchFailed(chosen: Chosen, error: unknown): void {
    if (isNodelessError(error) && error.identity.unasked === 1) return;
    if (isNodelessError(error, 'InsufficientCapacity'))
      this.#capacity.exhausted(chosen.offering, scopeIn(error.identity));
    else if (isRefusal(error)) this.#capacity.refused(chosen, error);
  }

  /** Why what was chosen a while ago is not worth asking for any more. */
  obstacleTo({ offering, cellClass }: Chosen): NodelessError | undefined {
    const isBarred = this.#capacity.refusalOf(cellClass.spec) !== undefined;
    if (!isBarred && this.#capacity.now(cellClass.spec)({ offering })) return undefined;
    const { instanceType, launchType, zone } = offering;
    const message = `${instanceType} (${launchType}) in ${zone} was not asked for: another launch has failed meanwhile`;
    return new NodelessError({ code: 'InsufficientCapacity', message, retryable: true, identity: { unasked: 1 } });
  }

  /** A launch went well. */
  succeeded(chosen: Chosen): void {
    this.#capacity.succeeded(chosen);
    this.#lastLaunchMs = this.#options.clock.now();
  }

  /**
   * A machine came and no kubelet did: that may be the class's image or settings, so it is left out for that class alone. Where the
   * cloud says why it ended, all that this is about.
   */
  failedToBoot(chosen: Chosen, error?: NodelessError): void {
    this.#capacity.failedToBoot(chosen, error);
  }

  /** A kubelet has come. */
  booted(chosen: Chosen): void {
    this.#capacity.booted(chosen);
  }

  /**
   * A machine's kubelet says what it can give: less than was offered is remembered for machines of the type in the class.
   * @returns whether that was news
   */
  measured({ offering, cellClass }: Chosen, allocatable: Resources): boolean {
    const isNews = this.#measured.note(offering, cellClass.spec, allocatable);
    if (isNews) this.#offered.renew(cellClass.spec);
    return isNews;
  }

  #queryOf(pod: WirePod, company: readonly WirePod[] = [], insteadOf?: readonly string[]): Query {
    const all = [pod, ...company];
    const cellClass = this.#options.classes.of(pod);
    const demands = all.map((one) => this.#demandsOf(one, cellClass));
    const need = all.map((one) => this.need(one)).reduce(add);
    const query = this.#query({ cellClass, need, constraints: demands.flat() });
    const room = this.#spending.room(cellClass, insteadOf);
    return { ...query, room, onlyOwnArch: demands.some((one) => !namesArchitecture(one)) };
  }

  /** What a pod asks of a machine of a class beside room. @throws NodelessError InvalidConfig, ConfigInvalid, NotEnforced */
  #demandsOf(pod: WirePod, cellClass: CellClass): readonly Constraints[] {
    const obstacle = unsuitability(pod, this.#options.csiDrivers);
    if (obstacle !== undefined) throw new NodelessError({ code: 'InvalidConfig', message: obstacle });
    checkSheltered(pod, cellClass, this.#options.policies);
    const lifted = parseConstraints(pod.metadata.annotations?.[CONSTRAINTS_ANNOTATION]);
    return [lifted, ownConstraints(pod.spec)];
  }

  /** Agents are counted once for a cell, however many pods share it. */
  #query({ cellClass, need, constraints }: Pick<Query, 'cellClass' | 'need' | 'constraints'>): Query {
    const room = this.#spending.room(cellClass);
    const { arch } = this.#options;
    return { cellClass, need: add(need, this.#agentsOf(cellClass.name)), constraints, arch, room };
  }

  #classOrNone(pod: WirePod): CellClass | undefined {
    try {
      return this.#options.classes.of(pod);
    } catch (error) {
      if (isNodelessError(error, 'NoCellClass')) return undefined;
      throw error;
    }
  }
}
