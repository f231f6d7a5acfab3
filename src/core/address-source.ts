import { isIPv6 } from 'node:net';

const MAPPED = /^::ffff:(?=[\d.]+$)/i;
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '::1']);

/** True for who connects from this machine by its loopback address. */
export function isLoopback(address: string): boolean {
  return LOOPBACK.has(address.replace(MAPPED, ''));
}

function groupsOf(text: string): readonly string[] {
  // An IPv4 address at the end stands for two groups, which never are among the first four that matter.
  return text === '' ? [] : text.replace(/[\d.]+\.[\d.]+$/, '0:0').split(':');
}

/** Whom an address is counted with: an IPv4 address is one's own, of IPv6 everybody has a /64. */
export function sourceOf(address: string): string {
  const bare = address.replace(MAPPED, '').replace(/%.*$/, '');
  if (!isIPv6(bare)) return bare;
  const [head = [], tail = []] = bare.split('::').map(groupsOf);
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0');
  const network = [...head, ...zeros, ...tail].slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}
