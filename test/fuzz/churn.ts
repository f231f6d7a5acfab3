import { setTimeout as delay } from 'node:timers/promises';
import { call } from '../../src/kube/calls.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import type { Inhabitant } from './world.ts';

/** A pod, with what it refers to, that changes all the time. */
export interface Churned extends Inhabitant {
  /** Values that its label, annotation, Secret and ConfigMap have in turn. */
  readonly words: readonly string[];
  /** As it is made again now and then; undefined for one that is to stay. */
  readonly again?: object;
}

const PAUSE_MS = 500;
const AGAIN_EVERY = 20;
const AGAIN_TIMEOUT_MS = 60_000;
const MERGE = 'application/merge-patch+json';

async function change(client: KubeClient, one: Churned, round: number): Promise<void> {
  const { namespace, pod, secret, configMap, words } = one;
  const word = words[round % words.length] ?? '';
  const patch = (kind: string, name: string, body: object) =>
    call(client, {
      method: 'PATCH',
      path: `/api/v1/namespaces/${namespace}/${kind}/${name}`,
      body,
      contentType: MERGE,
    });
  await Promise.all([
    patch('pods', pod, { metadata: { labels: { word }, annotations: { word } } }),
    patch('secrets', secret, { data: { word: Buffer.from(word).toString('base64') } }),
    patch('configmaps', configMap, { data: { word } }),
  ]);
}

/** Deletes the pod, waits until it has gone, and makes it again on another cell. */
async function makeAgain(client: KubeClient, { namespace, pod }: Churned, again: object): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/pods`;
  await call(client, { method: 'DELETE', path: `${path}/${pod}`, body: { gracePeriodSeconds: 1 } });
  const deadlineMs = Date.now() + AGAIN_TIMEOUT_MS;
  for (;;) {
    try {
      await call(client, { method: 'POST', path, body: again });
      return;
    } catch (error) {
      // 409 for as long as it is there.
      if (Date.now() > deadlineMs) throw error;
      await delay(PAUSE_MS);
    }
  }
}

/** Rounds of changes until it is stopped; resolves then with how many there were. */
export function startChurn(client: KubeClient, all: readonly Churned[]): { stop(): Promise<number> } {
  const stopped = new AbortController();
  async function churn(): Promise<number> {
    let round = 0;
    for (; !stopped.signal.aborted; round += 1) {
      await Promise.all(all.map((one) => change(client, one, round)));
      for (const one of all) {
        if (one.again !== undefined && round % AGAIN_EVERY === AGAIN_EVERY - 1) await makeAgain(client, one, one.again);
      }
      await delay(PAUSE_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
    return round;
  }
  const churning = churn();
  churning.catch(() => undefined);
  return {
    stop() {
      stopped.abort();
      return churning;
    },
  };
}
