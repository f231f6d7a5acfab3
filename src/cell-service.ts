import type { Registry } from 'prom-client';
import type { Book } from './cells/book.ts';
import { type Cell, classNameOf } from './cells/cell.ts';
import { Census } from './cells/census.ts';
import { consolesOf } from './cells/consoles.ts';
import type { Fleet } from './cells/fleet.ts';
import { watchHealth } from './cells/health.ts';
import { watchIdle } from './cells/idle.ts';
import { orphanCounter } from './cells/metrics.ts';
import { cellsWithReason } from './cells/reason.ts';
import { Notices } from './interruption/notices.ts';
import type { Reserves } from './interruption/reserves.ts';
import type { Collection } from './kube/collection.ts';
import type { EventRecorder } from './kube/events.ts';
import type { WirePod } from './kube/wire-pod.ts';
import { BUILT_IN_CLASS, type CellClasses } from './placement/cell-classes.ts';
import type { Placement } from './placement/placement.ts';
import { watchExpiry } from './pods/expiry.ts';
import { tellLastWords } from './pods/last-words.ts';
import { learnFromEnd } from './pods/learning.ts';
import type { NodePods } from './pods/node-pods.ts';
import { bindingOf } from './pods/pod-view.ts';
import { watchPolicies } from './pods/policy-watch.ts';
import type { PodWriter } from './pods/status.ts';
import type { Led } from './virtual-node-service.ts';

/** What the cells of a virtual node are watched with. */
export interface CellService extends Led {
  readonly book: Book;
  readonly fleet: Fleet;
  /** As the API server has them. */
  readonly pods: Collection<WirePod>;
  readonly nodePods: NodePods;
  readonly classes: CellClasses;
  readonly placement: Placement;
  readonly reserves: Reserves;
  readonly writer: PodWriter;
  readonly events: EventRecorder;
  readonly registry: Registry;
  readonly mayAct: () => boolean;
}

/** Heeds the cloud's notices that machines are about to end. */
function watchNotices(service: CellService, census: Census, signal: AbortSignal): void {
  const { provider, nodePods, reserves } = service;
  if (provider.interruptions === undefined) return;
  const onChanged = () => void census.tick(signal);
  const notices = new Notices({ ...service, pods: nodePods, onChanged });
  reserves.start(signal);
  void notices.run(signal);
  provider.interruptions((one) => notices.take(one), signal);
}

/** Looks at the cells that there are until the signal aborts: whether they still exist, are too old, enforce policies, idle, or are silent. */
export function watchCells(service: CellService, signal: AbortSignal): void {
  const { config, clock, logger, nodeClient, provider, shared } = service;
  const { book, fleet, pods, nodePods, classes, placement, writer, events, mayAct } = service;
  const { cellClasses, networkPolicies } = shared;
  const census = new Census({
    provider,
    book,
    fleet,
    clock,
    logger,
    intervalMs: config.cells.censusEvery,
    orphanAfterMs: config.cells.orphanAfter,
    withReason: (machines, ask) => cellsWithReason(nodeClient, machines, bindingOf, ask),
    mayAct,
    onOrphan: orphanCounter(service.registry, clock),
    onGone: (cell, reason, cause) => {
      learnFromEnd(placement.experience, cell, reason, cause);
      book.enter(cell, 'lost', reason);
    },
  });
  void census.run(signal);
  watchNotices(service, census, signal);
  const consoleOf = consolesOf(provider, book, signal);
  if (consoleOf !== undefined) {
    const endWords = tellLastWords({ book, pods: nodePods, events, consoleOf });
    signal.addEventListener('abort', endWords, { once: true });
  }
  const classOf = (cell: Cell) => classes.named(classNameOf(cell) ?? BUILT_IN_CLASS);
  const limitMsOf = (cell: Cell) => classOf(cell)?.spec.expireAfter;
  void watchExpiry({ book, pods: nodePods, writer, events, limitMsOf, clock, mayAct, logger }, signal);
  // A cell has what its class said when it was launched; of one that was found at a start that is not known any more.
  const classesOn = (cell: Cell) => [cell.cellClass, classOf(cell)].filter((one) => one !== undefined);
  const isEnforcedOn = (cell: Cell) => {
    const known = classesOn(cell);
    return known.length > 0 && known.every(({ spec }) => spec.networkPolicyEnforcer !== undefined);
  };
  const policyWatch = {
    ...{ book, pods: nodePods, networkPolicies, policies: service.policies, writer, events, clock, logger },
    ...{ upstreamPods: pods, cellClasses, isEnforcedOn },
    mayAct: () => mayAct() && cellClasses.synced,
  };
  void watchPolicies(policyWatch, signal);
  void watchIdle({ book, fleet, clock, lingerMs: config.cells.nodeCell.linger, mayAct }, signal);
  const onSilent = (cell: Cell) => void fleet.lose(cell, 'its kubelet is silent');
  void watchHealth({ book, clock, silentAfterMs: config.cells.silentAfter, mayAct, onSilent, logger }, signal);
}
