import { StringDecoder } from 'node:string_decoder';
import { type CellApiClient, openCellApi } from '../../../providers/simulated/api-client.ts';
import { type Connections, connectionsTo } from '../../../providers/simulated/connections.ts';
import {
  bootstrap,
  type KubeletIdentity,
  keepLease,
  reportNode,
  type SimulatedKubelet,
  type SimulatedKubeletOptions,
} from '../../../providers/simulated/kubelet.ts';
import { type PodWorkers, startPodWorkers } from '../../../providers/simulated/pods.ts';
import type { HollowFleet } from './fleet.ts';
import { MarkScanner } from './marks.ts';
import { kubeletPaths, podsPath, proxyPaths, referencedPaths } from './paths.ts';
import { reflect } from './reflector.ts';

const NODE_LOOK_MS = 10_000;
/** How often a kubelet of default configuration reports a node that has not changed. */
const NODE_REPORT_LOOKS = 30;

type PodEvent = { readonly type: string; readonly object: Parameters<PodWorkers['apply']>[0] };

/** Gives each line of a stream of JSON, parsed. */
function jsonLines(onLine: (line: unknown) => void): (bytes: Buffer) => void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  return (bytes) => {
    const lines = (rest + decoder.write(bytes)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') onLine(JSON.parse(line));
  };
}

/** One hollow machine: a kubelet with its own connection, and a kube-proxy with another while the fleet wants one. */
class HollowMachine {
  readonly #options: SimulatedKubeletOptions;
  readonly #fleet: HollowFleet;
  readonly #signal: AbortSignal;
  readonly #podShown = Promise.withResolvers<void>();

  constructor(options: SimulatedKubeletOptions, fleet: HollowFleet, signal: AbortSignal) {
    this.#options = options;
    this.#fleet = fleet;
    this.#signal = signal;
  }

  async live(): Promise<void> {
    const identity = await bootstrap(this.#options, this.#signal);
    const connections = connectionsTo(this.#options.cellApiUrl, identity);
    try {
      const api = openCellApi(connections);
      await reportNode(this.#options, api, this.#signal);
      await Promise.all([
        keepLease(this.#options, api, this.#signal),
        this.#reportAgain(api),
        this.#followPods(connections, api),
        ...kubeletPaths(this.#options.nodeName).map((path) => this.#follow(connections, path, this.#signal)),
        this.#followReferenced(connections),
        this.#fleet.whileProxied(this.#signal, (signal) => this.#proxy(identity, signal)),
      ]);
    } finally {
      connections.destroy();
    }
  }

  /** A kubelet looks at its node every ten seconds, and writes when it must. */
  async #reportAgain(api: CellApiClient): Promise<void> {
    const { clock, nodeName } = this.#options;
    for (let look = 1; ; look += 1) {
      await clock.sleep(NODE_LOOK_MS, this.#signal);
      if (look % NODE_REPORT_LOOKS === 0) await reportNode(this.#options, api, this.#signal);
      else await api.call('GET', `/api/v1/nodes/${nodeName}`, undefined, this.#signal).catch(() => undefined);
    }
  }

  #followPods(connections: Connections, api: CellApiClient): Promise<void> {
    const workers = startPodWorkers(this.#options, api, this.#signal);
    const scanner = new MarkScanner((mark) => this.#fleet.arrivals.add(mark));
    const apply = (pod: PodEvent['object']) => {
      workers.apply(pod);
      this.#podShown.resolve();
    };
    const parse = jsonLines((line) => {
      const { type, object } = line as PodEvent;
      if (type === 'DELETED') workers.remove(object);
      else if (type === 'ADDED' || type === 'MODIFIED') apply(object);
    });
    const onBytes = (bytes: Buffer) => {
      scanner.take(bytes);
      parse(bytes);
    };
    const onList = (body: string) => {
      const { items } = JSON.parse(body) as { items: PodEvent['object'][] };
      workers.replace(items);
      if (items.length > 0) this.#podShown.resolve();
    };
    const { clock, nodeName } = this.#options;
    const { onWatching, onFailure } = this.#fleet;
    return reflect(
      { connections, path: podsPath(nodeName), onList, onBytes, onWatching, onFailure, clock },
      this.#signal,
    );
  }

  /** Nobody may read what no pod of its own refers to. */
  async #followReferenced(connections: Connections): Promise<void> {
    await this.#podShown.promise;
    await Promise.all(referencedPaths().map((path) => this.#follow(connections, path, this.#signal)));
  }

  #follow(connections: Connections, path: string, signal: AbortSignal): Promise<void> {
    const scanner = new MarkScanner((mark) => this.#fleet.arrivals.add(mark));
    const { onWatching, onFailure } = this.#fleet;
    const { clock } = this.#options;
    return reflect(
      { connections, path, onBytes: (bytes) => scanner.take(bytes), onWatching, onFailure, clock },
      signal,
    );
  }

  async #proxy(identity: KubeletIdentity, signal: AbortSignal): Promise<void> {
    const { cellApiUrl, nodeName } = this.#options;
    const connections = connectionsTo(cellApiUrl, identity);
    try {
      await Promise.all(proxyPaths(nodeName).map((path) => this.#follow(connections, path, signal)));
    } finally {
      connections.destroy();
    }
  }
}

/** How many watches a hollow machine has open, without and with its kube-proxy. */
export function watchesPerMachine(proxied: boolean): number {
  const kubelet = 1 + kubeletPaths('').length + referencedPaths().length;
  return proxied ? kubelet + proxyPaths('').length : kubelet;
}

/** The kubelet of a machine of which only the traffic with the cell API is there. */
export function hollowKubelet(fleet: HollowFleet): SimulatedKubelet {
  return async (options, signal) => {
    await new HollowMachine(options, fleet, signal).live().catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  };
}
