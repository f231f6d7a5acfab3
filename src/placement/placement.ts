import type { CellProvider } from '../../providers/contract.ts';
import type { Clock } from '../core/clock.ts';
import type { Constraints } from '../core/constraints.ts';
import { add, type Resources } from '../core/resources.ts';
import type { WirePod } from '../kube/wire-pod.ts';
import { alternativesTo, describeAlternatives } from './alternatives.ts';
import type { Chosen } from './capacity.ts';
import { pick, survey } from './choose.ts';
import { Demands, type DemandsOptions } from './demands.ts';
import { Experience } from './experience.ts';
import { describeChoice, type Explanation, explain } from './explanation.ts';
import { Offered } from './offered.ts';
import type { OfferingTable } from './offering-table.ts';
import { namesArchitecture, type Query } from './query.ts';
import { refusal } from './refusal.ts';
import { Sitting } from './sitting.ts';
import { Spending } from './spending.ts';
import { type Stock, stockOf } from './stock.ts';

export interface PlacementOptions extends DemandsOptions {
  readonly provider: Pick<CellProvider, 'offerings'>;
  readonly clock: Clock;
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

/** What a cell is looked for by, before its class's agents and budget count. */
interface Wanted extends Pick<Query, 'cellClass' | 'need' | 'constraints'> {
  /** Cells that end for it: what they cost is left to spend. */
  readonly insteadOf?: readonly string[] | undefined;
}

/** Chooses what a pod's cell is launched as, by what is asked of it, what was learned of offerings, and what its class has spent. */
export class Placement {
  readonly #options: PlacementOptions;
  readonly #offered: Offered;
  readonly demands: Demands;
  readonly experience: Experience;
  readonly sitting: Sitting;
  readonly spending = new Spending();

  constructor(options: PlacementOptions) {
    this.#options = options;
    const { provider, clock, classes, arch, onOfferingsFailed = () => undefined } = options;
    this.demands = new Demands(options);
    this.experience = new Experience(clock, (spec) => this.#offered.renew(spec));
    const { correct } = this.experience;
    this.#offered = new Offered({ provider, clock, correct, onFailure: onOfferingsFailed });
    this.sitting = new Sitting({ classes, demands: this.demands, offered: this.#offered, arch });
  }

  /**
   * The best offering for the pod, or for it and the company that shares its cell. With a cell's id it counts to
   * the budget of the class as that cell until its spending is released.
   * @throws NodelessError InvalidConfig (the pod can't run on a cell), ConfigInvalid (its constraints can't be read),
   * InvalidQuantity, NoCellClass, NotEnforced, NoOffering, InsufficientCapacity or BudgetExceeded; and while the cloud launches
   * nothing for the class, what it said last.
   */
  async choose(pod: WirePod, { company, cellId, insteadOf }: Asked, signal: AbortSignal): Promise<Choice> {
    const table = await this.#offered.table(signal);
    // A cell that is asked for again under its id must not be in its own way.
    if (cellId !== undefined) this.spending.withdraw(cellId);
    return this.#choose(table, this.#queryOf(pod, company, insteadOf), cellId);
  }

  /** The best offering of at least this size, for a cell that is no pod's own. @throws as `choose` */
  async chooseSize(need: Resources, cellId: string | undefined, signal: AbortSignal, like: Like = {}): Promise<Choice> {
    const { classes } = this.#options;
    const { className, constraints = [], insteadOf } = like;
    const table = await this.#offered.table(signal);
    if (cellId !== undefined) this.spending.withdraw(cellId);
    const cellClass = className === undefined ? classes.default() : classes.required(className);
    return this.#choose(table, this.#query({ cellClass, need, constraints, insteadOf }), cellId);
  }

  #choose(table: OfferingTable, query: Query, cellId: string | undefined): Choice {
    const { cellClass, need } = query;
    const offered = table.ofClass(cellClass.spec);
    const known = offered.refusals.of(query);
    if (known !== undefined) throw known;
    const barred = this.experience.refusalOf(cellClass.spec);
    if (barred !== undefined) throw barred;
    const canBeHad = this.experience.now(cellClass.spec);
    const { entry, ...how } = pick(query, offered, canBeHad);
    if (entry === undefined) {
      const refused = refusal(query, how.passed, () => survey(query, offered, canBeHad));
      if (refused.code === 'NoOffering') offered.refusals.note(query, refused);
      throw refused;
    }
    const { offering } = entry;
    const alternatives = alternativesTo(entry, query, offered, canBeHad);
    // Until it is known which of them it is.
    const dearestUsd = Math.max(...[offering, ...alternatives].map(({ pricePerHourUsd }) => pricePerHourUsd));
    if (cellId !== undefined) this.spending.spend(cellId, cellClass.name, dearestUsd);
    const why = `${describeChoice(query, entry, how)}${describeAlternatives(alternatives)}`;
    return { offering, alternatives, cellClass, need, why };
  }

  /** All that there is to say of a pod's choice as it would be now; nothing is counted. @throws as `choose`, but for what the explanation tells. */
  async explain(pod: WirePod, signal: AbortSignal, company: readonly WirePod[] = []): Promise<Explanation> {
    const table = await this.#offered.table(signal);
    const query = this.#queryOf(pod, company);
    const offered = table.ofClass(query.cellClass.spec);
    const canBeHad = this.experience.now(query.cellClass.spec);
    const chosen = pick(query, offered, canBeHad);
    const found = survey(query, offered, canBeHad);
    const refused = chosen.entry === undefined ? refusal(query, chosen.passed, () => found) : undefined;
    return explain(query, chosen, found, refused);
  }

  /** What the default class has of offerings, and what of that has no capacity. @throws NodelessError NoCellClass */
  async stock(signal: AbortSignal): Promise<Stock> {
    const table = await this.#offered.table(signal);
    const { classes, arch } = this.#options;
    return stockOf(table.ofClass(classes.default().spec), arch, this.experience.now());
  }

  /** What was read of the offerings last, when, and whether each can be had now; undefined before the first time. */
  offered() {
    const known = this.#offered.known;
    if (known === undefined) return undefined;
    const canBeHad = this.experience.now();
    const offerings = known.table.entries.map((entry) => ({ offering: entry.offering, canBeHad: canBeHad(entry) }));
    return { atMs: known.atMs, offerings };
  }

  #queryOf(pod: WirePod, company: readonly WirePod[] = [], insteadOf?: readonly string[]): Query {
    const all = [pod, ...company];
    const cellClass = this.#options.classes.of(pod);
    const demands = all.map((one) => this.demands.constraints(one, cellClass));
    const need = all.map((one) => this.demands.need(one)).reduce(add);
    const query = this.#query({ cellClass, need, constraints: demands.flat(), insteadOf });
    return { ...query, onlyOwnArch: demands.some((one) => !namesArchitecture(one)) };
  }

  /** Agents are counted once for a cell, however many pods share it. */
  #query({ cellClass, need, constraints, insteadOf }: Wanted): Query {
    const room = this.spending.room(cellClass, insteadOf);
    const { arch } = this.#options;
    return { cellClass, need: add(need, this.demands.agents(cellClass.name)), constraints, arch, room };
  }
}
