import { readFile, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { NodelessError } from '../../src/core/errors.ts';
import { type ClusterRanges, routerAddress } from './machine/addressing.ts';

const INOTIFY_INSTANCES = '/proc/sys/fs/inotify/max_user_instances';
/** 128, a usual default, is too few for some kubelets. */
const MIN_INOTIFY_INSTANCES = 8192;
const TIMEOUT_MS = 10_000;

/** What the router of a local cluster is told. */
export interface RouterOptions {
  readonly ranges: ClusterRanges;
  readonly outbound: boolean;
  readonly networkNamespace?: string;
}

function firewall({ ranges, outbound }: RouterOptions): string {
  const own = [ranges.cellCidr, ranges.podCidr];
  const all = [...own, ranges.serviceCidr];
  const inside = own.flatMap((from) => all.map((to) => `-A NODELESS-CELLS -s ${from} -d ${to} -j ACCEPT`));
  const verdict = outbound ? 'ACCEPT' : 'REJECT --reject-with icmp-net-prohibited';
  const outside = own.map((from) => `-A NODELESS-CELLS -s ${from} -j ${verdict}`);
  const replies = own.map((to) => `-A NODELESS-CELLS -d ${to} -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT`);
  const translated = own.flatMap((from) => [
    ...all.map((to) => `-A NODELESS-OUT -s ${from} -d ${to} -j RETURN`),
    `-A NODELESS-OUT -s ${from} -j MASQUERADE`,
  ]);
  return `*filter
:NODELESS-CELLS - [0:0]
${[...inside, ...replies, ...outside].join('\n')}
COMMIT
*nat
:NODELESS-OUT - [0:0]
${outbound ? translated.join('\n') : ''}
COMMIT`;
}

/**
 * Shell lines, run in the router's namespace, that make it route between cells and nowhere else. `nodeless0` is where
 * packets for addresses that nobody has end: without it they follow the default route out of the machine. (A blackhole
 * route would end them before kube-proxy has translated them. A bridge without ports, since some kernels lack `dummy`.)
 * Safe to repeat.
 */
export function routerScript(options: RouterOptions): string {
  const { ranges } = options;
  const address = routerAddress(ranges);
  const routes = [ranges.cellCidr, ranges.podCidr, ranges.serviceCidr];
  return `set -eu
ip link set lo up
ip link show nodeless0 >/dev/null 2>&1 || ip link add nodeless0 type bridge
ip addr replace ${address}/32 dev nodeless0
ip link set nodeless0 arp off up
${routes.map((range) => `ip route replace ${range} dev nodeless0 src ${address}`).join('\n')}
echo 1 > /proc/sys/net/ipv4/ip_forward
iptables-restore -w 5 --noflush <<END
${firewall(options)}
END
iptables -w 5 -C FORWARD -j NODELESS-CELLS 2>/dev/null || iptables -w 5 -I FORWARD 1 -j NODELESS-CELLS
iptables -w 5 -t nat -C POSTROUTING -j NODELESS-OUT 2>/dev/null || iptables -w 5 -t nat -A POSTROUTING -j NODELESS-OUT
`;
}

/**
 * Makes the namespace a router for cells, and lets the machine hold many kubelets.
 * @throws NodelessError PrerequisiteMissing when the kernel or the firewall refuses.
 */
export async function startRouter(options: RouterOptions, signal: AbortSignal): Promise<void> {
  const script = ['sh', '-c', routerScript(options)];
  const { networkNamespace } = options;
  const words = networkNamespace === undefined ? script : ['nsenter', `--net=${networkNamespace}`, ...script];
  const [program = 'sh', ...args] = words;
  try {
    await execa(program, args, { stdin: 'ignore', timeout: TIMEOUT_MS, cancelSignal: signal });
    const instances = Number(await readFile(INOTIFY_INSTANCES, 'utf8'));
    if (instances < MIN_INOTIFY_INSTANCES) await writeFile(INOTIFY_INSTANCES, String(MIN_INOTIFY_INSTANCES));
  } catch (error) {
    signal.throwIfAborted();
    throw new NodelessError({
      code: 'PrerequisiteMissing',
      message: `the network of local cells could not be set up: ${error instanceof Error ? error.message : error}`,
      cause: error,
    });
  }
}
