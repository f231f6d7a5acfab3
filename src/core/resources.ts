import { amountsOf, type ResourceList, resourcesFrom } from './amounts.ts';
import { NodelessError } from './errors.ts';
import { formatBytes, formatCpu } from './quantity.ts';

/** An amount of machine. Absent extended resources count as 0. */
export interface Resources {
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  readonly ephemeralStorageBytes: number;
  /** Extended resources such as `nvidia.com/gpu`, in whole devices. */
  readonly extended: Readonly<Record<string, number>>;
}

export const NOTHING: Resources = { cpuMilli: 0, memoryBytes: 0, ephemeralStorageBytes: 0, extended: {} };

/** Reads a resource list; keys that a cell does not size by (`pods`) are ignored. @throws NodelessError InvalidQuantity */
export function resourcesOf(list: ResourceList | undefined): Resources {
  return resourcesFrom(amountsOf(list));
}

/** The inverse of `resourcesOf`. */
export function resourceListOf(resources: Resources): Record<string, string> {
  return {
    cpu: formatCpu(resources.cpuMilli),
    memory: formatBytes(resources.memoryBytes),
    'ephemeral-storage': formatBytes(resources.ephemeralStorageBytes),
    ...Object.fromEntries(Object.entries(resources.extended).map(([name, count]) => [name, String(count)])),
  };
}

/** The same as numbers by resource name: cores, bytes, or whole devices. */
export function numbersOf(resources: Resources): Readonly<Record<string, number>> {
  const { cpuMilli, memoryBytes, ephemeralStorageBytes, extended } = resources;
  return { ...extended, cpu: cpuMilli / 1_000, memory: memoryBytes, 'ephemeral-storage': ephemeralStorageBytes };
}

function exactSum(a: number, b: number): number {
  const sum = a + b;
  if (Number.isSafeInteger(sum)) return sum;
  const message = 'what is asked for adds up to more than any machine has';
  throw new NodelessError({ code: 'InvalidQuantity', message });
}

function combine(a: Resources, b: Resources, pick: (x: number, y: number) => number): Resources {
  const names = new Set([...Object.keys(a.extended), ...Object.keys(b.extended)]);
  return {
    cpuMilli: pick(a.cpuMilli, b.cpuMilli),
    memoryBytes: pick(a.memoryBytes, b.memoryBytes),
    ephemeralStorageBytes: pick(a.ephemeralStorageBytes, b.ephemeralStorageBytes),
    extended: Object.fromEntries([...names].map((name) => [name, pick(a.extended[name] ?? 0, b.extended[name] ?? 0)])),
  };
}

/** @throws NodelessError InvalidQuantity where the sum is too large to be exact. */
export function add(a: Resources, b: Resources): Resources {
  return combine(a, b, exactSum);
}

/** The larger of both in each dimension. */
export function larger(a: Resources, b: Resources): Resources {
  return combine(a, b, Math.max);
}

/** What is left of `have` without `taken`; below 0 where more is taken than there is. */
export function minus(have: Resources, taken: Resources): Resources {
  return combine(have, taken, (x, y) => x - y);
}

/** The dimensions of `need` that `have` does not cover, by resource name. */
export function shortOf(have: Resources, need: Resources): readonly string[] {
  const short: string[] = [];
  if (have.cpuMilli < need.cpuMilli) short.push('cpu');
  if (have.memoryBytes < need.memoryBytes) short.push('memory');
  if (have.ephemeralStorageBytes < need.ephemeralStorageBytes) short.push('ephemeral-storage');
  for (const [name, count] of Object.entries(need.extended)) {
    if ((have.extended[name] ?? 0) < count) short.push(name);
  }
  return short;
}

/** Whether nothing of `need` is missing. Asked for thousands of offerings per pod, so it allocates nothing. */
export function covers(have: Resources, need: Resources): boolean {
  if (have.cpuMilli < need.cpuMilli || have.memoryBytes < need.memoryBytes) return false;
  if (have.ephemeralStorageBytes < need.ephemeralStorageBytes) return false;
  for (const name in need.extended) if ((have.extended[name] ?? 0) < (need.extended[name] ?? 0)) return false;
  return true;
}

/** For events and tables: `2 cpu, 4Gi`, extended resources after. */
export function describeResources(resources: Resources): string {
  const extended = Object.entries(resources.extended)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`);
  return [`${formatCpu(resources.cpuMilli)} cpu`, formatBytes(resources.memoryBytes), ...extended].join(', ');
}
