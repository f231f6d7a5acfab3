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
const PROVIDER_CHECK_MS = 1_000;
const LIST_TIMEOUT_MS = 30_000;

/** What is seen of the demo's cells and pods, by watches. */
export interface Observer {
  readonly cells: CellLog;
  readonly pods: PodLog;
  /** The web pods that are Ready now. */
  readyPods(): readonly WirePod[];
  allPods(): readonly WirePod[];
  /**
   * Shows cells as they change until `check` holds.
   * @throws NodelessError KubeRequestFailed at the deadline, or when the provider ends, saying what was waited for.
   */
  follow(view: StepView, wait: Wait): Promise<void>;
}

export interface Wait {
  /** Completes "the wait for …". */
  readonly what: string;
  readonly check: () => boolean;
  readonly timeoutMs: number;
}

export interface ObserverOptions {
  readonly client: KubeClient;
  /** False once nothing can change any more, because the provider has ended. */
  readonly providerRuns: () => Promise<boolean>;
  readonly signal: AbortSignal;
}

/** Starts to watch; ends with the signal. Resolves once both watches have listed. */
export async function startObserver(options: ObserverOptions): Promise<Observer> {
  const { client, signal } = options;
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
  const listed = () => cellObjects.synced && podObjects.synced;
  await until({ what: 'the first list of cells and pods', check: listed, timeoutMs: LIST_TIMEOUT_MS }, options);

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
        await until(wait, options);
      } finally {
        clearInterval(timer);
        listeners.delete(view.logLine);
        draw();
      }
    },
  };
}

async function until({ what, check, timeoutMs }: Wait, { providerRuns, signal }: ObserverOptions): Promise<void> {
  const startedMs = Date.now();
  let checkedMs = startedMs;
  while (!check()) {
    const nowMs = Date.now();
    if (nowMs - startedMs > timeoutMs) throw inVain(`waited ${timeoutMs / 1000} s for ${what}, in vain`);
    if (nowMs - checkedMs > PROVIDER_CHECK_MS) {
      if (!(await providerRuns())) throw inVain(`the provider ended during the wait for ${what}`);
      checkedMs = nowMs;
    }
    await delay(POLL_MS, undefined, { signal });
  }
}

function inVain(message: string): NodelessError {
  return new NodelessError({ code: 'KubeRequestFailed', message });
}
