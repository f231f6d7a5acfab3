import type { CellClass } from '../core/cell-class.ts';
import { isNodelessError } from '../core/errors.ts';
import { minus, type Resources } from '../core/resources.ts';
import type { WirePod } from '../kube/wire-pod.ts';
import { type Admission, admissionOf, type Standing, withinClass } from './admission.ts';
import type { CellClasses } from './cell-classes.ts';
import type { Demands } from './demands.ts';
import type { Offered } from './offered.ts';

export interface SittingOptions {
  readonly classes: CellClasses;
  readonly demands: Demands;
  readonly offered: Offered;
  /** `kubernetes.io/arch` of the virtual node. */
  readonly arch: string;
}

/** Whether pods may be on machines that are there, or are chosen for others, and what they may have of them. */
export class Sitting {
  readonly #options: SittingOptions;

  constructor(options: SittingOptions) {
    this.#options = options;
  }

  /**
   * Tells of machines that are there why the pod may not be on them, whatever room they have.
   * @throws NodelessError as `Placement.choose`, for what is about the pod itself
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
    const { demands, offered, arch } = this.#options;
    const constraints = demands.constraints(pod, cellClass);
    demands.need(pod);
    const { architectures } = (await offered.table(signal)).ofClass(cellClass.spec);
    return admissionOf(constraints, architectures.has(arch) ? arch : undefined);
  }

  /** Tells what pods may have together of what a machine has: its agents take some, and a burstable one gives no more than its baseline. */
  async shares(signal: AbortSignal): Promise<(on: Standing, have: Resources) => Resources> {
    const table = await this.#options.offered.table(signal);
    return ({ className, machine }, have) => {
      const baseline = table.baselineCpuMilli(machine?.instanceType ?? '') ?? have.cpuMilli;
      const counted = { ...have, cpuMilli: Math.min(have.cpuMilli, baseline) };
      return minus(counted, this.#options.demands.agents(className));
    };
  }

  /** Whether a pod may be on a machine that is chosen for another; room and what both ask of it are another question. */
  maySit(pod: WirePod, founder: WirePod): boolean {
    const { classes, demands } = this.#options;
    try {
      const cellClass = classes.of(pod);
      demands.constraints(pod, cellClass);
      demands.need(pod);
      return cellClass.name === classes.of(founder).name;
    } catch (error) {
      if (isNodelessError(error)) return false;
      throw error;
    }
  }
}
