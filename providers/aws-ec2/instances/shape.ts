import type { Offering } from '../../../src/core/offerings.ts';
import type { Resources } from '../../../src/core/resources.ts';

/** What a machine was sold as, which EC2 does not tell of it later. */
export interface Shape {
  readonly arch: string;
  readonly allocatable: Resources;
  readonly pricePerHourUsd: number;
  readonly isPriceEstimated?: boolean;
}

/** Follows what was not of a price list. A word of its own, which who does not know it passes over. */
const ESTIMATED = 'estimated';

/** Writes a shape as the value of a tag: `arm64 cpu=1930 memory=… disk=… usd=… nvidia.com/gpu=1`, with `estimated` at its end where the price is. */
export function shapeText(offering: Pick<Offering, keyof Shape>): string {
  const { arch, allocatable, pricePerHourUsd, isPriceEstimated = false } = offering;
  const { cpuMilli, memoryBytes, ephemeralStorageBytes, extended } = allocatable;
  const sizes = { cpu: cpuMilli, memory: memoryBytes, disk: ephemeralStorageBytes, usd: pricePerHourUsd, ...extended };
  const words = Object.entries(sizes).map(([name, amount]) => `${name}=${amount}`);
  return [arch, ...words, ...(isPriceEstimated ? [ESTIMATED] : [])].join(' ');
}

/** Reads a shape; undefined for what is none. */
export function parseShape(text: string | undefined): Shape | undefined {
  const [arch = '', ...fields] = (text ?? '').split(' ');
  const amounts = new Map<string, number>();
  for (const field of fields) {
    const [, name = '', amount = ''] = /^([^=]+)=(.+)$/.exec(field) ?? [];
    if (name !== '') amounts.set(name, Number(amount));
  }
  const { cpu, memory, disk, usd, ...extended } = Object.fromEntries(amounts);
  if (arch === '' || [...amounts.values()].some((amount) => !(amount >= 0))) return undefined;
  if (cpu === undefined || memory === undefined || disk === undefined || usd === undefined) return undefined;
  const allocatable = { cpuMilli: cpu, memoryBytes: memory, ephemeralStorageBytes: disk, extended };
  const estimated = fields.includes(ESTIMATED) ? { isPriceEstimated: true } : {};
  return { arch, allocatable, pricePerHourUsd: usd, ...estimated };
}
