import { ownPodsOf } from './own-pods.ts';
import type { PodSource } from './ports.ts';
import type { Scrape } from './scrape.ts';
import { shaped } from './shapes.ts';
import { RUNNING_POD } from './stats-shapes.ts';

interface RunningPod {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly uid: string };
  readonly spec: { readonly containers: readonly { readonly name?: string; readonly image?: string }[] };
}

function podList(items: readonly unknown[]): unknown {
  return { kind: 'PodList', apiVersion: 'v1', metadata: {}, items };
}

/** `/pods`: what is bound to the virtual node; undefined until that is known. */
export function boundPods(pods: PodSource): unknown {
  return pods.synced ? podList([...pods.items()]) : undefined;
}

/** `/runningpods/`: what the cells' container runtimes run of their own pods. */
export async function runningPods(scrape: Scrape): Promise<unknown> {
  const items: unknown[] = [];
  await scrape({
    path: '/runningpods/',
    accept: 'application/json',
    take(cell, body) {
      const own = ownPodsOf(cell);
      const { items: told } = JSON.parse(body.toString()) as { items?: unknown };
      for (const entry of Array.isArray(told) ? told : []) {
        const { metadata, spec } = (shaped(entry, RUNNING_POD) ?? {}) as Partial<RunningPod>;
        if (own.find(metadata) === undefined) continue;
        const containers = (spec?.containers ?? []).map((container) => ({ ...container, resources: {} }));
        items.push({ metadata: { ...metadata, creationTimestamp: null }, spec: { containers }, status: {} });
      }
    },
  });
  return podList(items);
}
