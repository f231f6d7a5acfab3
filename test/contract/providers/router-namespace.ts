import { execa } from 'execa';

/** A fresh network namespace, joined to this one so that cells in it reach a server of the test. */
export interface RouterNamespace {
  readonly name: string;
  readonly path: string;
  /** Address in this namespace that the other one reaches. */
  readonly hostAddress: string;
  /** Runs a command in it. */
  run(...words: readonly string[]): Promise<string>;
  remove(): Promise<void>;
}

let count = 0;

async function sh(script: string): Promise<void> {
  await execa('sh', ['-euc', script], { stdin: 'ignore', timeout: 10_000 });
}

/** Makes the namespace; link-local addresses, so that no route of the machine is touched. */
export async function createRouterNamespace(): Promise<RouterNamespace> {
  count += 1;
  const name = `nodeless-contract-${process.pid}-${count}`;
  const link = `nlt${process.pid}-${count}`.slice(0, 15);
  const base = `169.254.${(process.pid % 200) + 20}`;
  const host = count * 4 + 1;
  await sh(`ip netns add ${name}
ip link add ${link} type veth peer name uplink0 netns ${name}
ip addr add ${base}.${host}/30 dev ${link}
ip link set ${link} up
ip -n ${name} addr add ${base}.${host + 1}/30 dev uplink0
ip -n ${name} link set uplink0 up`);
  return {
    name,
    path: `/run/netns/${name}`,
    hostAddress: `${base}.${host}`,
    async run(...words) {
      return (await execa('nsenter', [`--net=/run/netns/${name}`, ...words], { stdin: 'ignore' })).stdout;
    },
    remove: () => sh(`ip netns del ${name}; ip link del ${link} 2>/dev/null || :`),
  };
}
