import { createInterface } from 'node:readline';
import { execa } from 'execa';
import type { ClusterTools } from './kubectl.ts';
import { eventually } from './wait.ts';

export interface HolderWatch {
  /** Who has held the lease, in turn; '' where nobody did. */
  readonly holders: readonly string[];
  stop(): Promise<void>;
}

/** Looks at who holds a lease by a watch, which tells of the shortest while too, until it is stopped. */
export async function watchHolders(tools: ClusterTools, namespace: string, lease: string): Promise<HolderWatch> {
  const { kubectlPath, kubeconfig } = tools;
  const args = ['get', 'lease', lease, '-n', namespace, '--watch', '-o', 'jsonpath={.spec.holderIdentity}{"\\n"}'];
  const watching = execa(kubectlPath, args, { env: { KUBECONFIG: kubeconfig }, reject: false });
  const holders: string[] = [];
  createInterface({ input: watching.stdout }).on('line', (holder) => {
    if (holder !== holders.at(-1)) holders.push(holder);
  });
  async function stop(): Promise<void> {
    watching.kill();
    await watching;
  }
  try {
    await eventually(`the watch of the lease ${lease} has begun`, () => holders.length > 0);
  } catch (error) {
    await stop();
    throw error;
  }
  return { holders, stop };
}
