import type { Registry } from 'prom-client';
import type { Book } from './cells/book.ts';
import type { Cell } from './cells/cell.ts';
import type { Fleet } from './cells/fleet.ts';
import { virtualNodesOf } from './config/virtual-nodes.ts';
import type { Collection } from './kube/collection.ts';
import type { WirePod } from './kube/wire-pod.ts';
import type { Placement } from './placement/placement.ts';
import type { WarmCells } from './pods/warm-cells.ts';
import type { Led } from './virtual-node-service.ts';
import { Claims } from './warm-pool/claims.ts';
import { PoolKeeper } from './warm-pool/keeper.ts';
import { observePools } from './warm-pool/metrics.ts';
import { writeStatuses } from './warm-pool/status-writer.ts';

/** What the pools of a virtual node stand on. */
export interface WarmPoolService extends Led {
  readonly book: Book;
  readonly fleet: Fleet;
  readonly pods: Collection<WirePod>;
  readonly placement: Placement;
  readonly registry: Registry;
  readonly mayAct: () => boolean;
  /** Whether what is required on a cell beside its kubelet is there. */
  readonly isComplete: (cell: Cell) => boolean;
  /** Whether a pod waits for the budget of a class. */
  readonly isBudgetAwaited: (className: string) => boolean;
}

/** The pools of a virtual node: what pods are given cells by, and what keeps them from its start on. */
export function warmPools(service: WarmPoolService, signal: AbortSignal) {
  const { config, node, clock, logger, client, shared, book, fleet, pods, placement, registry, mayAct } = service;
  const { canClaim, canStop, pullsImages } = fleet;
  const [first] = virtualNodesOf(config);
  const { isComplete, isBudgetAwaited } = service;
  const keeping = { book, fleet, placement, clock, logger, mayAct, isComplete, isBudgetAwaited };
  const keeper = new PoolKeeper(
    {
      ...keeping,
      pools: shared.warmPools,
      node: { zone: node.zone, isFirst: first?.name === node.name },
      launchTimeoutMs: config.cells.launchTimeout,
      canClaim,
      canStop,
    },
    signal,
  );
  const onStarted = observePools(registry, () => keeper.pools());
  const claims: WarmCells & Claims = new Claims({ book, fleet, keeper, pods, clock, canClaim, onStarted });
  const start = () => {
    const endStarts = claims.start();
    signal.addEventListener('abort', endStarts, { once: true });
    void keeper.run();
    const writing = { client, pools: shared.warmPools, keeper, canClaim, pullsImages, clock, logger, mayAct };
    void writeStatuses(writing, signal);
  };
  return { claims, start };
}
