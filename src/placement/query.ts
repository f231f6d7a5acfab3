import type { CellClass } from '../core/cell-class.ts';
import { ARCH_LABEL, type Constraints } from '../core/constraints.ts';
import type { Resources } from '../core/resources.ts';
import type { Room } from './spending.ts';

/** What an offering is looked for by. */
export interface Query {
  /** What the cell must have allocatable. */
  readonly need: Resources;
  readonly cellClass: CellClass;
  /** All of them must admit the offering. */
  readonly constraints: readonly Constraints[];
  /** The virtual node's own, which counts where the pod names none. */
  readonly arch: string;
  readonly room: Room;
  /** One of those that share the cell names no architecture, whatever the others say. */
  readonly onlyOwnArch?: boolean;
}

/** Whether a pod says anything about architectures; then the virtual node's own has no say. */
export function namesArchitecture(constraints: readonly Constraints[]): boolean {
  const terms = constraints.flatMap(({ required = [], preferred = [] }) => [
    ...required,
    ...preferred.map(({ term }) => term),
  ]);
  return terms.some((term) => term.some(({ key }) => key === ARCH_LABEL));
}
