import { afterAll } from 'vitest';
import { loadKubeConfig } from '../../src/cli/kube-config.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createKubeClient, type KubeClient } from '../../src/kube/client.ts';
import type { ClusterTools } from './kubectl.ts';

/** The administrator's client of a local cluster, for the tests of one file; closed after them. */
export async function apiOf({ kubeconfig }: ClusterTools): Promise<KubeClient> {
  const client = await createKubeClient(loadKubeConfig(kubeconfig), systemClock);
  afterAll(() => client.close());
  return client;
}
