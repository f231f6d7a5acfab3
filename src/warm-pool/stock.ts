import type { Cell } from '../cells/cell.ts';
import { priceOf } from './holding.ts';

/** Cells of one pool that are alike. */
interface Kind {
  readonly key: string;
  readonly poolUid: string;
  readonly pricePerHourUsd: number;
  readonly memoryBytes: number;
  readonly cells: Map<string, Cell>;
}

/** Of cells that are alike, so many are looked at that may be given and do not suit. */
const LOOKS = 4;

function before(a: Kind, b: Kind): number {
  return a.pricePerHourUsd - b.pricePerHourUsd || a.memoryBytes - b.memoryBytes || (a.key < b.key ? -1 : 1);
}

/**
 * The cells of all pools that wait, the cheapest first. Whatever the number of cells, a pod looks at kinds of cells, of which
 * a pool has one or two; to add a cell or to take it costs one search among them, O(log kinds).
 */
export class Stock {
  readonly #kinds: Kind[] = [];
  readonly #byKey = new Map<string, Kind>();
  readonly #keyOf = new Map<string, string>();

  add(cell: Cell): void {
    if (this.#keyOf.has(cell.cellId)) return;
    const { machine, pool } = cell;
    const price = priceOf(cell);
    const key = [pool?.uid, price, machine?.launchType, machine?.instanceType, machine?.zone].join(' ');
    const kind = this.#byKey.get(key) ?? {
      key,
      poolUid: pool?.uid ?? '',
      pricePerHourUsd: price,
      memoryBytes: machine?.allocatable.memoryBytes ?? 0,
      cells: new Map<string, Cell>(),
    };
    if (kind.cells.size === 0) {
      this.#byKey.set(key, kind);
      this.#kinds.splice(this.#placeOf(kind), 0, kind);
    }
    kind.cells.set(cell.cellId, cell);
    this.#keyOf.set(cell.cellId, key);
  }

  remove(cellId: string): void {
    const key = this.#keyOf.get(cellId);
    const kind = key === undefined ? undefined : this.#byKey.get(key);
    if (key === undefined || kind === undefined) return;
    this.#keyOf.delete(cellId);
    kind.cells.delete(cellId);
    if (kind.cells.size > 0) return;
    this.#byKey.delete(key);
    this.#kinds.splice(this.#placeOf(kind), 1);
  }

  /** The cheapest cell of these pools that may be given now, and suits. */
  cheapest(
    isOf: (poolUid: string) => boolean,
    suits: (cell: Cell) => boolean,
    mayBeGiven: (cell: Cell) => boolean = () => true,
  ): Cell | undefined {
    for (const { poolUid, cells } of this.#kinds) {
      if (!isOf(poolUid)) continue;
      let looks = LOOKS;
      for (const cell of cells.values()) {
        if (!mayBeGiven(cell)) continue;
        if (suits(cell)) return cell;
        looks -= 1;
        if (looks === 0) break;
      }
    }
    return undefined;
  }

  /** Where a kind stands, or would. */
  #placeOf(kind: Kind): number {
    let low = 0;
    let high = this.#kinds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = this.#kinds[middle] as Kind;
      if (at !== kind && before(at, kind) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
