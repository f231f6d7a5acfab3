import type { Book } from '../cells/book.ts';
import { isNodelessError, NodelessError } from '../core/errors.ts';
import { podName, type WirePod } from '../kube/wire-pod.ts';
import { companyFor, wantedCompany } from '../placement/company.ts';
import type { Place } from '../placement/place.ts';
import type { Asked, Choice, Placement } from '../placement/placement.ts';
import type { NodePods } from './node-pods.ts';
import { isUnseated } from './room.ts';
import { isReasonToWait } from './waiting.ts';

export interface SharedChoiceOptions {
  readonly book: Book;
  readonly placement: Placement;
  readonly placeOf: (pod: WirePod) => Place | undefined;
  readonly pods: NodePods;
}

type Ask = Pick<Asked, 'cellId' | 'insteadOf'>;

/** What less company mends. */
const TOO_MUCH = ['BudgetExceeded', 'InvalidQuantity', 'NoOffering'];
/** Who needs nobody itself does not wait either until there is capacity for others. */
const TOO_MUCH_BESIDE = [...TOO_MUCH, 'InsufficientCapacity'];
/** How many that fit beside none of those before them are left out for the sake of those after them. */
const MAX_LEFT_OUT = 2;

function isTooMuch(founder: WirePod, error: unknown): boolean {
  const codes = wantedCompany(founder).length === 0 ? TOO_MUCH_BESIDE : TOO_MUCH;
  return isNodelessError(error) && codes.includes(error.code);
}

/** Chooses the machines of cells that pods share. */
export class SharedChoice {
  readonly #options: SharedChoiceOptions;

  constructor(options: SharedChoiceOptions) {
    this.#options = options;
  }

  /** For a pod, and as many of those that wait to be with it as a machine takes. */
  async choose(founder: WirePod, ask: Ask, signal: AbortSignal): Promise<Choice> {
    const leftOut = new Set<WirePod>();
    for (;;) {
      const company = this.#companyFor(founder, leftOut);
      if (company.length === 0) return this.#options.placement.choose(founder, ask, signal);
      const taken = await this.#takenOf(founder, company, ask, signal);
      const [next] = company.slice(taken.length);
      // Also the last word of what is counted for the cell.
      if (next === undefined || leftOut.size === MAX_LEFT_OUT) return this.#chooseFor(founder, taken, ask, signal);
      leftOut.add(next);
    }
  }

  /** Whether pods wait to be with this one. */
  isSought(founder: WirePod): boolean {
    return this.#companyFor(founder, new Set()).length > 0;
  }

  /** For these and no others. @throws as `Placement.choose`, in the name of all of them */
  async together(founder: WirePod, other: WirePod, ask: Ask, signal: AbortSignal): Promise<Choice> {
    try {
      return await this.#chooseFor(founder, [other], ask, signal);
    } catch (error) {
      if (!isReasonToWait(error)) throw error;
      const { code, retryable } = error;
      const message = `${describe([founder, other])}: ${error.message}`;
      throw new NodelessError({ code, retryable, message, cause: error });
    }
  }

  /** The company, or as many of its first as a machine takes: each comes after its mate, and asks for more. */
  async #takenOf(
    founder: WirePod,
    company: readonly WirePod[],
    ask: Ask,
    signal: AbortSignal,
  ): Promise<readonly WirePod[]> {
    const takes = async (count: number) => {
      try {
        await this.#chooseFor(founder, company.slice(0, count), ask, signal);
        return true;
      } catch (error) {
        if (!isTooMuch(founder, error)) throw error;
        return false;
      }
    };
    if (await takes(company.length)) return company;
    let [taken, tooMany] = [0, company.length];
    while (tooMany - taken > 1) {
      const middle = (taken + tooMany) >> 1;
      if (await takes(middle)) taken = middle;
      else tooMany = middle;
    }
    return company.slice(0, taken);
  }

  async #chooseFor(founder: WirePod, company: readonly WirePod[], ask: Ask, signal: AbortSignal): Promise<Choice> {
    const choice = await this.#options.placement.choose(founder, { ...ask, company }, signal);
    return company.length === 0 ? choice : { ...choice, why: `${choice.why}, for ${describe([founder, ...company])}` };
  }

  /** Those that wait to be with a founder, and may be. */
  #companyFor(founder: WirePod, leftOut: ReadonlySet<WirePod>): readonly WirePod[] {
    const { pods, placement, book, placeOf } = this.#options;
    const waiting = pods
      .seekersIn(founder.metadata.namespace ?? 'default')
      .filter((pod) => !leftOut.has(pod) && isUnseated(pod, book.ofPod(pod.metadata.uid ?? '')));
    return companyFor(founder, waiting, (pod) => placeOf(pod) === 'cell' && placement.sitting.maySit(pod, founder));
  }
}

function describe(all: readonly WirePod[]): string {
  const names = all.slice(0, 5).map(podName).join(', ');
  return `${all.length} pods that must be on one machine (${names}${all.length > 5 ? ', …' : ''})`;
}
