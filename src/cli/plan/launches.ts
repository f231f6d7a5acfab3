import { isNodelessError } from '../../core/errors.ts';
import type { Resources } from '../../core/resources.ts';
import type { WirePod } from '../../kube/wire-pod.ts';
import type { Explanation } from '../../placement/explanation.ts';
import type { Placement } from '../../placement/placement.ts';
import type { Seating } from './seating.ts';

/** What is launched for the pods of a workload. */
export interface Launches {
  /** How many pods get a place on a cell. */
  readonly placed: number;
  readonly cells: number;
  readonly pricePerHourUsd: number;
  readonly why?: string;
  /** Code of the error that the first of those without a place waits with. */
  readonly refused?: string;
  /** Of the first cell, where it is shared. */
  readonly explanation?: Explanation;
}

export const NO_LAUNCHES = { placed: 0, cells: 0, pricePerHourUsd: 0 } as const;

const SHARES = 'its pods share the cells of others, which they must be on one machine with';

/** The node cell is one machine for all that is on it: the first to be there is told its price. */
export interface NodeCell {
  /** What it is sized for. */
  readonly size: Resources;
  /** Whether a plan has counted it. */
  isCounted: boolean;
}

/** Seats one pod after the other, so that budgets count. Who is refused is in nobody's way: a later one may have a place. */
export async function seatAll(
  name: string,
  pods: readonly WirePod[],
  seating: Seating,
  signal: AbortSignal,
): Promise<Launches> {
  let sum: Launches = NO_LAUNCHES;
  let refusal: Pick<Launches, 'why' | 'refused'> = {};
  for (const [index, pod] of pods.entries()) {
    try {
      const cell = await seating.seat(pod, `${name} ${index}`, signal);
      const placed = sum.placed + 1;
      if (cell === undefined) {
        sum = { ...sum, placed };
        continue;
      }
      const { choice, company, explanation } = cell;
      const why = `${choice.why}, for ${company.length + 1} pods that must be on one machine`;
      sum = {
        ...(sum.cells === 0 && explanation !== undefined ? { why, explanation } : sum),
        placed,
        cells: sum.cells + 1,
        pricePerHourUsd: sum.pricePerHourUsd + choice.offering.pricePerHourUsd,
      };
    } catch (error) {
      if (!isNodelessError(error)) throw error;
      if (refusal.refused === undefined) refusal = { why: error.message, refused: error.code };
    }
  }
  return sum.cells === 0 && sum.placed > 0 ? { ...sum, why: SHARES, ...refusal } : { ...sum, ...refusal };
}

/** Puts a pod on the node cell, which is launched for the first one. */
export async function onNodeCell(
  placement: Placement,
  nodeCell: NodeCell,
  why: string,
  signal: AbortSignal,
): Promise<Launches> {
  if (nodeCell.isCounted) return { ...NO_LAUNCHES, placed: 1, why };
  const { offering, why: choice } = await placement.chooseSize(nodeCell.size, 'the node cell', signal);
  nodeCell.isCounted = true;
  return { placed: 1, cells: 1, pricePerHourUsd: offering.pricePerHourUsd, why: `${why}: ${choice}` };
}
