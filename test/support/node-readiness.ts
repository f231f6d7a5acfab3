import { setTimeout as delay } from 'node:timers/promises';
import { call } from '../../src/kube/calls.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import type { KubeObject } from '../../src/kube/objects.ts';

/** The Ready condition of a node: True, False or Unknown. */
export async function nodeReadiness(client: KubeClient, name: string): Promise<string> {
  const node = await call<KubeObject>(client, { method: 'GET', path: `/api/v1/nodes/${name}` });
  const { conditions = [] } = node.status as { conditions?: { type: string; status: string }[] };
  return conditions.find(({ type }) => type === 'Ready')?.status ?? 'missing';
}

/** Looks at a node several times a second until it is stopped; resolves then with every readiness that it has had. */
export function watchReadiness(client: KubeClient, name: string): { stop(): Promise<ReadonlySet<string>> } {
  const seen = new Set<string>();
  const stopped = new AbortController();
  async function look(): Promise<void> {
    while (!stopped.signal.aborted) {
      seen.add(await nodeReadiness(client, name));
      await delay(250);
    }
  }
  const looking = look();
  return {
    async stop() {
      stopped.abort();
      await looking;
      return seen;
    },
  };
}
