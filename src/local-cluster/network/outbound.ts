import { readFile, writeFile } from 'node:fs/promises';
import { run } from '../processes/run.ts';
import type { LinkSubnet } from './addresses.ts';
import { enterCommand, type NetworkNames } from './names.ts';

const FORWARDING = '/proc/sys/net/ipv4/ip_forward';

type Command = readonly string[];

/** The rules in the machine's own namespace, without `iptables`, the table and the verb. */
function machineRules(
  names: NetworkNames,
  subnet: LinkSubnet,
): readonly { table: string; chain: string; rule: Command }[] {
  const comment = ['-m', 'comment', '--comment', names.comment];
  return [
    { table: 'filter', chain: 'FORWARD', rule: ['-i', names.hostLink, ...comment, '-j', 'ACCEPT'] },
    { table: 'filter', chain: 'FORWARD', rule: ['-o', names.hostLink, ...comment, '-j', 'ACCEPT'] },
    {
      table: 'nat',
      chain: 'POSTROUTING',
      rule: ['-s', subnet.cidr, '!', '-o', names.hostLink, ...comment, '-j', 'MASQUERADE'],
    },
  ];
}

/** The commands that let a cluster's packets leave the machine: translated once at the namespace's edge, once at the machine's. */
export function outboundCommands(names: NetworkNames, subnet: LinkSubnet): readonly Command[] {
  const inside = enterCommand(names.namespace);
  return [
    ['ip', '-n', names.namespace, 'route', 'add', 'default', 'via', subnet.hostAddress],
    [...inside, 'iptables', '-w', '-t', 'nat', '-A', 'POSTROUTING', '-o', names.clusterLink, '-j', 'MASQUERADE'],
    ...machineRules(names, subnet).map(({ table, chain, rule }) => [
      ...['iptables', '-w', '-t', table, '-I', chain, '1', ...rule],
    ]),
  ];
}

/** Opens the way out. Returns true when the machine did not forward packets before. */
export async function openOutbound(names: NetworkNames, subnet: LinkSubnet, signal: AbortSignal): Promise<boolean> {
  const forwarded = (await readFile(FORWARDING, 'utf8')).trim() === '1';
  if (!forwarded) await writeFile(FORWARDING, '1');
  for (const command of outboundCommands(names, subnet)) await run(command, { signal });
  return !forwarded;
}

/** Stops the machine from forwarding packets again. */
export async function restoreForwarding(): Promise<void> {
  await writeFile(FORWARDING, '0');
}

/** The rules of `iptables-save`'s output that carry the comment, as commands that delete them. */
export function deletionsOf(saved: string, comment: string): readonly Command[] {
  let table = 'filter';
  const commands: Command[] = [];
  for (const line of saved.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1).trim();
    const words = line.trim().split(/\s+/);
    const at = words.indexOf('--comment');
    if (words[0] !== '-A' || at < 0 || words[at + 1]?.replaceAll('"', '') !== comment) continue;
    const rule = words.slice(1).map((word) => word.replaceAll('"', ''));
    commands.push(['iptables', '-w', '-t', table, '-D', ...rule]);
  }
  return commands;
}

/** The firewall rules of the machine that carry the comment, as `iptables-save` prints them. */
export async function firewallRules(): Promise<string> {
  return (await run(['iptables-save'], { tolerate: true })).stdout;
}
