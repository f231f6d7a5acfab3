import { isNodelessError, NodelessError } from '../../core/errors.ts';
import { podName, type WirePod } from '../../kube/wire-pod.ts';
import { companyFor, isMateOf, wantedCompany } from '../../placement/company.ts';
import type { Explanation } from '../../placement/explanation.ts';
import type { Choice, Placement } from '../../placement/placement.ts';

/** A cell that is planned for a pod, and who is on it too. */
export interface PlannedCell {
  readonly choice: Choice;
  readonly company: readonly WirePod[];
  /** As it was before the cell was counted; where nobody shares it, that of the pod. */
  readonly explanation?: Explanation;
}

/** With fewer pods on it, a machine may do. */
const TOO_MUCH = ['BudgetExceeded', 'InvalidQuantity', 'NoOffering'];

function namespaceOf({ metadata }: WirePod): string {
  return metadata.namespace ?? 'default';
}

/** Seats pods that come all at once, as the provider does: those that must be together are on one cell. */
export class Seating {
  readonly #placement: Placement;
  /** By namespace: the pods that must be with others and have no cell. */
  readonly #seekers = new Map<string, Set<WirePod>>();
  readonly #seated = new Set<WirePod>();

  constructor(placement: Placement, pods: readonly WirePod[]) {
    this.#placement = placement;
    for (const pod of pods.filter((one) => wantedCompany(one).length > 0)) {
      const seekers = this.#seekers.get(namespaceOf(pod)) ?? new Set();
      this.#seekers.set(namespaceOf(pod), seekers.add(pod));
    }
  }

  /** The cell that a pod founds; undefined where it is on another's already. @throws NodelessError that it waits with */
  async seat(pod: WirePod, cellId: string, signal: AbortSignal): Promise<PlannedCell | undefined> {
    if (this.#seated.has(pod)) return undefined;
    const seekers = this.#seekers.get(namespaceOf(pod));
    if (seekers?.has(pod)) this.#checkFounds(pod);
    const maySit = (one: WirePod) => this.#placement.sitting.maySit(one, pod);
    const cell = await this.#choose(pod, companyFor(pod, [...(seekers ?? [])], maySit), cellId, signal);
    for (const one of [pod, ...cell.company]) {
      this.#seated.add(one);
      seekers?.delete(one);
    }
    return cell;
  }

  #checkFounds(pod: WirePod): void {
    const mate = [...this.#seated].find((other) => isMateOf(pod, other));
    if (mate === undefined && isMateOf(pod, pod)) return;
    const message =
      mate === undefined
        ? 'none of the pods that it must be on one machine with is planned here; it waits for one'
        : `the machine of ${podName(mate)}, which it must be on one machine with, has no room for it`;
    throw new NodelessError({ code: 'NoRoom', retryable: true, message });
  }

  /** With all that must be there, or as many of the first as a machine takes. */
  async #choose(pod: WirePod, company: readonly WirePod[], cellId: string, signal: AbortSignal): Promise<PlannedCell> {
    try {
      const shared = company.length === 0 ? {} : { explanation: await this.#placement.explain(pod, signal, company) };
      return { ...shared, choice: await this.#placement.choose(pod, { cellId, company }, signal), company };
    } catch (error) {
      const isTooMuch = isNodelessError(error) && TOO_MUCH.includes(error.code);
      if (!isTooMuch || company.length === 0) throw error;
      return this.#choose(pod, company.slice(0, -1), cellId, signal);
    }
  }
}
