import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { systemClock } from '../../core/clock.ts';
import { NodelessError } from '../../core/errors.ts';
import { GROUP, VERSION } from '../../core/names.ts';
import type { KubeClient } from '../../kube/client.ts';
import { startCollection } from '../../kube/collection.ts';
import type { KubeObject } from '../../kube/objects.ts';
import type { WirePod } from '../../kube/wire-pod.ts';
import { CellLog } from './cell-log.ts';
import { cellRows, transitionLine } from './cell-table.ts';
import { isReady, PodLog } from './pod-log.ts';
import type { StepView } from './screen.ts';
import { NAMESPACE, WEB } from './workload.ts';

const POLL_MS = 50;
const REDRAW_MS = 200;

/** What is seen of the demo's cells and pods, by watches. */
export interface Observer {
  readonly cells: CellLog;
  readonly pods: PodLog;
  /** The web pods that are Ready now. */
  readyPods(): readonly WirePod[];
  allPods(): readonly WirePod[];
  /**
   * Shows cells as they change until `check` holds.
   * @throws NodelessError KubeRequestFailed at the deadline, saying what was waited for.
   */
  follow(view: StepView, wait: Wait): Promise<void>;
}

export interface Wait {
  /** Completes "waited for …". */
  readonly what: string;
  readonly check: () => boolean;
  readonly timeoutMs: number;
}

/** Starts to watch; ends with the signal. Resolves once both watches have listed. */
export async function startObserver(client: KubeClient, signal: AbortSignal): Promise<Observer> {
  const source = { client, clock: systemClock, logger: pino({ level: 'silent' }) };
  const cells = new CellLog();
  const pods = new PodLog();
  const cellObjects = startCollection<KubeObject>({ ...source, path: `/apis/${GROUP}/${VERSION}/cells` }, signal);
  const query = { labelSelector: `app=${WEB}` };
  const podObjects = startCollection<WirePod>(
    { ...source, path: `/api/v1/namespaces/${NAMESPACE}/pods`, query },
    signal,
  );
  podObjects.subscribe((change) => pods.take(change, Date.now()));
  const listeners = new Set<(line: string) => void>();
  let followedSinceMs = Date.now();
  cellObjects.subscribe((change) => {
    const nowMs = Date.now();
    const transition = cells.take(change, nowMs);
    if (transition === undefined) return;
    for (const listener of listeners) listener(transitionLine(transition, nowMs - followedSinceMs));
  });
  await synced([cellObjects, podObjects], signal);

  const allPods = () => [...podObjects.items()];
  const readyPods = () => allPods().filter(isReady);
  return {
    cells,
    pods,
    allPods,
    readyPods,
    async follow(view, wait) {
      followedSinceMs = Date.now();
      const known = new Set(cells.alive().map(({ id }) => id));
      const draw = () => {
        const shown = cells.all().filter((cell) => known.has(cell.id) || cell.changedMs >= followedSinceMs);
        view.table(cellRows(shown, new Set(readyPods().map((pod) => pod.metadata.name)), Date.now()));
      };
      listeners.add(view.logLine);
      const timer = setInterval(draw, REDRAW_MS);
      try {
        await until(wait, signal);
      } finally {
        clearInterval(timer);
        listeners.delete(view.logLine);
        draw();
      }
    },
  };
}

async function synced(collections: readonly { readonly synced: boolean }[], signal: AbortSignal): Promise<void> {
  const check = () => collections.every((collection) => collection.synced);
  await until({ what: 'the first list of cells and pods', check, timeoutMs: 30_000 }, signal);
}

async function until({ what, check, timeoutMs }: Wait, signal: AbortSignal): Promise<void> {
  const deadlineMs = Date.now() + timeoutMs;
  while (!check()) {
    if (Date.now() > deadlineMs) {
      throw new NodelessError({
        code: 'KubeRequestFailed',
        message: `waited ${timeoutMs / 1000} s for ${what}, in vain`,
      });
    }
    await delay(POLL_MS, undefined, { signal });
  }
}
