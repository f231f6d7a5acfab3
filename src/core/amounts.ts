import { NodelessError } from './errors.ts';
import { parseNano } from './quantity.ts';
import type { Resources } from './resources.ts';

/** Kubernetes' resource list, as in `requests`, `capacity` and `allocatable`. */
export type ResourceList = Readonly<Record<string, string>>;

/** Exact amounts in thousandths of a unit, by resource name; what is absent is not named, which is not the same as 0. */
export type Amounts = ReadonlyMap<string, bigint>;

export const NO_AMOUNTS: Amounts = new Map();

const NANO_PER_MILLI = 1_000_000n;

function milliOf(name: string, quantity: string | number): bigint {
  const nano = parseNano(quantity, name);
  if (nano >= 0n) return (nano + NANO_PER_MILLI - 1n) / NANO_PER_MILLI;
  const message = `${name} "${quantity}" is negative, and nothing can be had in negative amounts`;
  throw new NodelessError({ code: 'InvalidQuantity', message });
}

/**
 * Reads a resource list; each quantity is rounded up to thousandths, as the API server does.
 * @throws NodelessError InvalidQuantity, of negative ones too
 */
export function amountsOf(list: ResourceList | undefined): Amounts {
  return new Map(Object.entries(list ?? {}).map(([name, quantity]) => [name, milliOf(name, quantity)]));
}

function combine(a: Amounts, b: Amounts, pick: (x: bigint, y: bigint) => bigint): Amounts {
  const combined = new Map(a);
  for (const [name, amount] of b) combined.set(name, pick(a.get(name) ?? 0n, amount));
  return combined;
}

export function sumOf(a: Amounts, b: Amounts): Amounts {
  return combine(a, b, (x, y) => x + y);
}

/** The larger of the two for every resource that either names. */
export function largerOf(a: Amounts, b: Amounts): Amounts {
  return combine(a, b, (x, y) => {
    if (x > y) return x;
    return y;
  });
}

/** A number of JavaScript is exact up to 2⁵³; what is more is refused, not rounded. */
function exact(name: string, amount: bigint): number {
  if (amount <= Number.MAX_SAFE_INTEGER) return Number(amount);
  throw new NodelessError({ code: 'InvalidQuantity', message: `${name} is asked for in more than any machine has` });
}

/** Names that are neither one of the three native resources nor an extended resource that a cell must have. */
function isExtended(name: string): boolean {
  return name.includes('/') || name.startsWith('hugepages-');
}

/**
 * What a cell is sized by; names that a cell does not size by (`pods`) are ignored.
 * @throws NodelessError InvalidQuantity when an amount is too large to be exact
 */
export function resourcesFrom(amounts: Amounts): Resources {
  const whole = (name: string) => exact(name, ((amounts.get(name) ?? 0n) + 999n) / 1_000n);
  return {
    cpuMilli: exact('cpu', amounts.get('cpu') ?? 0n),
    memoryBytes: whole('memory'),
    ephemeralStorageBytes: whole('ephemeral-storage'),
    extended: Object.fromEntries([...amounts.keys()].filter(isExtended).map((name) => [name, whole(name)])),
  };
}
