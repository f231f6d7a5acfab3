import { systemClock } from '../core/clock.ts';
import { createKubeClient, type KubeClient } from '../kube/client.ts';
import { loadKubeConfig } from './kube-config.ts';

/** The option by which a command finds its cluster. */
export const KUBECONFIG = ['--kubeconfig <file>', 'kubeconfig of the cluster; the default one when left out'] as const;

/** Does something with the client of a kubeconfig, or of the default one, and closes it. */
export async function withClient<T>(
  kubeconfig: string | undefined,
  work: (client: KubeClient) => Promise<T>,
  replica?: string,
): Promise<T> {
  const client = await createKubeClient(loadKubeConfig(kubeconfig), systemClock, replica);
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}
