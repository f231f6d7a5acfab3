import type { CellClass } from '../core/cell-class.ts';
import { type Constraints, parseConstraints } from '../core/constraints.ts';
import { isNodelessError, NodelessError } from '../core/errors.ts';
import { CONSTRAINTS_ANNOTATION } from '../core/names.ts';
import { add, type Resources } from '../core/resources.ts';
import { podNeed } from '../core/sizing.ts';
import type { WirePod } from '../kube/wire-pod.ts';
import { type AgentSet, classAgentsRequest, type DaemonSets, requestOf } from './agents.ts';
import type { CellClasses } from './cell-classes.ts';
import { ownConstraints } from './own-terms.ts';
import { checkSheltered, type Policies } from './shelter.ts';
import { unsuitability } from './suitability.ts';

export interface DemandsOptions {
  readonly classes: CellClasses;
  readonly daemonSets: DaemonSets;
  /** The agents that are in every cell. */
  readonly injected: () => readonly AgentSet[];
  readonly policies: Policies;
  /** What a pod that asks for nothing gets, where its class does not say. */
  readonly defaultSize: Resources;
  /** CSI drivers whose node plugins cells have. */
  readonly csiDrivers: readonly string[];
}

/** What pods, and the agents that are beside them, ask of machines. */
export class Demands {
  readonly #options: DemandsOptions;
  /** Objects never change, and each is asked of for every other that may share its cell. */
  readonly #needs = new WeakMap<WirePod, { readonly defaults: Resources; readonly need: Resources }>();

  constructor(options: DemandsOptions) {
    this.#options = options;
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

  /** What a pod asks of a machine of a class beside room. @throws NodelessError InvalidConfig, ConfigInvalid, NotEnforced */
  constraints(pod: WirePod, cellClass: CellClass): readonly Constraints[] {
    const obstacle = unsuitability(pod, this.#options.csiDrivers);
    if (obstacle !== undefined) throw new NodelessError({ code: 'InvalidConfig', message: obstacle });
    checkSheltered(pod, cellClass, this.#options.policies);
    const lifted = parseConstraints(pod.metadata.annotations?.[CONSTRAINTS_ANNOTATION]);
    return [lifted, ownConstraints(pod.spec)];
  }

  /** What the agents take of a class's machines that are not in every cell. */
  classAgents(className: string): Resources {
    const { classes, daemonSets, injected } = this.#options;
    return classAgentsRequest(classes.named(className)?.spec ?? { agents: [] }, daemonSets, injected());
  }

  /** What all agents take of a class's machines. */
  agents(className: string): Resources {
    return add(this.classAgents(className), requestOf(this.#options.injected()));
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
