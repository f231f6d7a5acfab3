import { NodelessError } from '../../../src/core/errors.ts';

/** The ranges that a local cluster lives in. */
export interface ClusterRanges {
  /** Addresses of machines; the first one is the router's. */
  readonly cellCidr: string;
  /** Addresses of pods; each machine gets a /27 of it. */
  readonly podCidr: string;
  /** Addresses of Services. */
  readonly serviceCidr: string;
}

export const DEFAULT_RANGES: ClusterRanges = {
  cellCidr: '10.200.0.0/16',
  podCidr: '10.244.0.0/16',
  serviceCidr: '10.96.0.0/16',
};

/** Where one machine is. */
export interface MachineAddresses {
  /** The machine's own address. */
  readonly address: string;
  /** The range of its pods. */
  readonly podCidr: string;
}

const POD_PREFIX = 27;

/** Indexes below this one are left to machines that are not cells, such as the regular node of a local cluster. */
export const FIRST_CELL_INDEX = 16;

function parseCidr(cidr: string): { readonly base: number; readonly prefix: number } {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(cidr);
  const numbers = match?.slice(1).map(Number) ?? [];
  const [a = 256, b = 256, c = 256, d = 256, prefix = 33] = numbers;
  if (Math.max(a, b, c, d) > 255 || prefix > 32) {
    throw new NodelessError({ code: 'InvalidConfig', message: `"${cidr}" is not an IPv4 range such as 10.200.0.0/16` });
  }
  return { base: a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d, prefix };
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}

/** The router's address: the first of the cells' range. */
export function routerAddress(ranges: ClusterRanges): string {
  return dotted(parseCidr(ranges.cellCidr).base + 1);
}

/** How many machines the ranges hold: indexes 0 to this, exclusive. */
export function machineCount(ranges: ClusterRanges): number {
  const pods = 2 ** (POD_PREFIX - parseCidr(ranges.podCidr).prefix);
  const addresses = 2 ** (32 - parseCidr(ranges.cellCidr).prefix) - 3;
  return Math.floor(Math.min(pods, addresses));
}

/** The addresses of the machine with this index: `router + 1 + index`, and the index-th /27 of the pods' range. */
export function machineAddresses(ranges: ClusterRanges, index: number): MachineAddresses {
  return {
    address: dotted(parseCidr(ranges.cellCidr).base + 2 + index),
    podCidr: `${dotted(parseCidr(ranges.podCidr).base + index * 2 ** (32 - POD_PREFIX))}/${POD_PREFIX}`,
  };
}

/** True when the address is in the range. */
export function inRange(address: string, cidr: string): boolean {
  const { base, prefix } = parseCidr(cidr);
  const size = 2 ** (32 - prefix);
  return Math.floor(parseCidr(`${address}/32`).base / size) === Math.floor(base / size);
}
