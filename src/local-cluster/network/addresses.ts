import { createHash } from 'node:crypto';
import { localFailure } from '../failure.ts';

/** Addressing inside a cluster's namespace; every cluster has the same, for they can't reach each other. */
export const SERVICE_CIDR = '10.96.0.0/16';
export const KUBERNETES_SERVICE_ADDRESS = '10.96.0.1';
export const DNS_SERVICE_ADDRESS = '10.96.0.10';
export const POD_CIDR = '10.244.0.0/16';

/** Links between cluster namespaces and the machine: one /30 each. */
const LINK_BASE = parseAddress('10.201.0.0');
const LINK_COUNT = 2 ** 14;
/** Routes wider than this (a default route, a VPN's 10.0.0.0/8) do not keep a /30 inside them from being used. */
const WIDEST_CONFLICT_BITS = 16;

/** The /30 between a cluster's namespace and the machine. */
export interface LinkSubnet {
  /** The machine's end. */
  readonly hostAddress: string;
  /** The cluster's end: API server, DNS and cell API are reached here. */
  readonly address: string;
  readonly cidr: string;
}

function parseAddress(text: string): number {
  return text.split('.').reduce((value, part) => value * 256 + Number(part), 0);
}

function formatAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

function linkSubnet(index: number): LinkSubnet {
  const base = LINK_BASE + index * 4;
  return { hostAddress: formatAddress(base + 1), address: formatAddress(base + 2), cidr: `${formatAddress(base)}/30` };
}

function overlaps(base: number, cidr: string): boolean {
  const [address = '', bits = '32'] = cidr.split('/');
  if (Number(bits) < WIDEST_CONFLICT_BITS) return false;
  const size = 2 ** (32 - Math.min(30, Number(bits)));
  const start = Math.floor(parseAddress(address) / size) * size;
  return base >= start && base < start + size;
}

/**
 * A /30 of 10.201.0.0/16 that overlaps none of `taken` (IPv4 addresses or CIDRs). A cluster gets the same one
 * each time, unless it is taken.
 * @throws NodelessError PrerequisiteMissing when all are taken.
 */
export function freeLinkSubnet(clusterName: string, taken: readonly string[]): LinkSubnet {
  const first = createHash('sha256').update(clusterName).digest().readUInt32BE(0) % LINK_COUNT;
  for (let step = 0; step < LINK_COUNT; step += 1) {
    const index = (first + step) % LINK_COUNT;
    if (!taken.some((cidr) => overlaps(LINK_BASE + index * 4, cidr))) return linkSubnet(index);
  }
  throw localFailure('every /30 of 10.201.0.0/16 is in use on this machine; free one, or end another local cluster');
}
