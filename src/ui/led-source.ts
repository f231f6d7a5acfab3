import type { Book } from '../cells/book.ts';
import { isServed } from '../cells/cell.ts';
import { NODE_CELL } from '../core/cell.ts';
import type { Clock } from '../core/clock.ts';
import { add, NOTHING } from '../core/resources.ts';
import type { KubeClient } from '../kube/client.ts';
import type { CollectionReader } from '../kube/collection.ts';
import type { KubeObject } from '../kube/objects.ts';
import type { WirePod } from '../kube/wire-pod.ts';
import { requestedOf } from '../pods/capacity-metrics.ts';
import { type ApiServerHealth, followApiServer } from './api-server-health.ts';
import { cellRow } from './cell-row.ts';
import { type ControlPlaneFacts, controlPlaneSection } from './control-plane-section.ts';
import type { Decisions } from './decisions.ts';
import type { FeedSource } from './feed.ts';
import { nodesSection } from './nodes-section.ts';
import { poolsSection } from './pools-section.ts';
import { waitingSection } from './waiting-section.ts';
import { workersSection } from './workers-section.ts';

export interface LedSourceOptions {
  readonly node: string;
  readonly version: string;
  readonly provider: string;
  /** What the virtual node advertises: Kubernetes quantities by resource name. */
  readonly capacity: Readonly<Record<string, string>>;
  readonly book: Book;
  readonly pods: CollectionReader<WirePod>;
  readonly pools: Pick<CollectionReader<KubeObject>, 'items' | 'subscribe'>;
  readonly decisions: Decisions;
  readonly virtualNodes: () => ControlPlaneFacts['virtualNodes'];
  readonly mayAct: () => boolean;
  /** Asks the API server how it is, while somebody looks. */
  readonly client: KubeClient;
  readonly clock: Clock;
}

/** How often it is looked at what tells nobody of its changes: the API server, the lease, the nodes. */
const LOOK_MS = 10_000;

/** What whoever leads a virtual node knows, as the page shows it. */
export function ledSource(options: LedSourceOptions): FeedSource {
  const { node, version, provider, capacity, book, pods, pools, decisions, clock } = options;
  let apiServer: ApiServerHealth | undefined;

  function podOf(pod: string, uid: string): WirePod | undefined {
    const [namespace, name = ''] = pod.split('/');
    const found = pods.get(namespace, name);
    return found?.metadata.uid === uid ? found : undefined;
  }

  /** One look over all cells. */
  function tally() {
    const sum = { machines: NOTHING, machineCount: 0, pricePerHourUsd: 0, served: 0, ready: 0 };
    for (const cell of book.cells()) {
      if (isServed(cell)) sum.served += 1;
      if (cell.kubeletReady) sum.ready += 1;
      if (cell.machine === undefined) continue;
      sum.machineCount += 1;
      sum.machines = add(sum.machines, cell.machine.allocatable);
      if (cell.phase !== 'stopped') sum.pricePerHourUsd += cell.machine.pricePerHourUsd;
    }
    return sum;
  }

  return {
    overview() {
      const { machines, machineCount, pricePerHourUsd, served, ready } = tally();
      const requested = requestedOf(pods.items(), Object.keys(capacity));
      const told = apiServer === undefined ? {} : { apiServer };
      const controlPlane = {
        ...told,
        ...{ provider, version, virtualNodes: options.virtualNodes(), mayAct: options.mayAct() },
        kubelets: { served, ready },
      };
      return {
        ...{ node, version, cells: book.size, pricePerHourUsd },
        sections: [
          nodesSection({ capacity, requested, machines, machineCount }),
          controlPlaneSection(controlPlane),
          workersSection(pods.items(), (uid) => book.ofPod(uid)?.purpose === NODE_CELL),
          poolsSection(pools.items()),
          waitingSection(pods.items()),
          decisions.section(),
        ],
      };
    },
    *cellIds() {
      for (const { cellId } of book.cells()) yield cellId;
    },
    cell(cellId) {
      const cell = book.get(cellId);
      return cell && cellRow(cell, podOf);
    },
    watch(changed) {
      const ended = new AbortController();
      const onTold = (health: ApiServerHealth) => {
        apiServer = health;
        changed();
      };
      void followApiServer({ client: options.client, clock, everyMs: LOOK_MS, onTold }, ended.signal);
      const ends = [
        book.onChange(({ cellId }) => changed(cellId)),
        pods.subscribe(({ object }) => changed(book.ofPod(object.metadata.uid ?? '')?.cellId)),
        pools.subscribe(() => changed()),
        decisions.onChange(changed),
        () => ended.abort(),
      ];
      return () => ends.forEach((end) => void end());
    },
  };
}
