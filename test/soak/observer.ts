import { setTimeout as delay } from 'node:timers/promises';
import type { KubeClient } from '../../src/kube/client.ts';
import { logPath } from '../../src/local-cluster/processes/component.ts';
import { PROVIDER } from '../../src/local-cluster/provider/provider-process.ts';
import type { ClusterPaths } from '../../src/local-cluster/state.ts';
import { readApi } from './api-view.ts';
import { countFootprint, countObservation, type Figures } from './figures.ts';
import { findProviders, readCgroups, readFootprint, readMounts, readNamespaces } from './host-view.ts';
import { readMachines } from './machine-view.ts';
import type { Invariant, Observation } from './observation.ts';
import { followFile, type LogLine, parseLog, servedSinceMs } from './provider-log.ts';
import { type Standing, servingSinceMs } from './standing.ts';

const PAUSE_MS = 200;
/** Of pino's levels. */
const ERROR = 50;

export interface ObserverOptions {
  readonly paths: ClusterPaths;
  readonly client: KubeClient;
  readonly standing: Standing;
  readonly figures: Figures;
  readonly invariants: Readonly<Record<string, Invariant>>;
  /** Called once with all that is wrong in one observation; looking ends then. */
  readonly onViolations: (violations: readonly string[]) => void;
}

/** Who looks at the cluster from outside all the time, and compares what there is with what must hold. */
export interface Observer {
  readonly last: Observation | undefined;
  /** The first observation that begins from now on. */
  next(): Promise<Observation>;
  stop(): Promise<void>;
}

export function startObserver(options: ObserverOptions): Observer {
  const { paths, client, standing, figures, invariants, onViolations } = options;
  const readLog = followFile(logPath(paths, PROVIDER));
  const readProviders = findProviders(paths);
  const stopped = new AbortController();
  let last: Observation | undefined;
  let waiting: ((seen: Observation) => void)[] = [];

  function hear(lines: readonly LogLine[]): readonly string[] {
    if (standing.servedAtMs === undefined && standing.provider !== 'away') {
      standing.servedAtMs = servedSinceMs(lines, standing.startedAtMs);
      // The first start waits for the cluster too.
      if (standing.servedAtMs !== undefined && standing.restarts > 0) {
        figures.restartToServingMs.push(standing.servedAtMs - standing.startedAtMs);
      }
    }
    return lines.filter(({ level }) => level >= ERROR).map((line) => `logsNoError: ${JSON.stringify(line)}`);
  }

  async function observe(): Promise<Observation> {
    // Before everything else is read: what is done meanwhile must not be counted as wrong.
    const { provider } = standing;
    const since = servingSinceMs(standing);
    const [providerPids, machines, namespaces, cgroups, api] = await Promise.all([
      readProviders(),
      readMachines(paths),
      readNamespaces(paths),
      readCgroups(paths),
      readApi(client).catch(() => undefined),
    ]);
    if (providerPids[0] !== undefined) countFootprint(figures, await readFootprint(providerPids[0]));
    return {
      atMs: Date.now(),
      ...(since === undefined || servingSinceMs(standing) !== since ? {} : { servingSinceMs: since }),
      providerMustRun: provider !== 'away' && standing.provider !== 'away',
      providerPids,
      ...(api === undefined ? {} : { api }),
      machines,
      namespaces,
      cgroups,
      mounts: readMounts(paths),
      attacks: [...standing.attacks],
    };
  }

  function judge(seen: Observation): readonly string[] {
    return Object.entries(invariants).flatMap(([name, invariant]) => {
      figures.checks++;
      return invariant(seen).map((wrong) => `${name}: ${wrong}`);
    });
  }

  async function look(): Promise<void> {
    while (!stopped.signal.aborted) {
      const awaited = waiting;
      waiting = [];
      const wrong = [...hear(parseLog(await readLog()))];
      const seen = await observe();
      countObservation(figures, seen);
      wrong.push(...judge(seen));
      last = seen;
      for (const resolve of awaited) resolve(seen);
      if (wrong.length > 0) {
        onViolations(wrong);
        return;
      }
      await delay(PAUSE_MS);
    }
  }

  const looking = look().catch((error: unknown) => onViolations([`the observer failed: ${String(error)}`]));
  return {
    get last() {
      return last;
    },
    next: () => new Promise((resolve) => waiting.push(resolve)),
    async stop() {
      stopped.abort();
      await looking;
    },
  };
}
