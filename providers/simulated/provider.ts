import type { CellProvider } from '../contract.ts';
import type { SimulatedCloud } from './cloud.ts';

export interface SimulatedProviderOptions {
  readonly cloud: SimulatedCloud;
  /** Only machines with these tags are listed; without it, all of the cloud's. */
  readonly owner?: { readonly clusterUid: string; readonly virtualNodes: readonly string[] };
}

/** Cells that are a few objects in this process, and talk to the cell API over the wire as kubelets do. */
export function createSimulatedProvider({ cloud, owner }: SimulatedProviderOptions): CellProvider {
  return {
    name: 'simulated',
    async start() {},
    async stop() {},
    async offerings() {
      return cloud.offerings;
    },
    launch: (request, signal) => cloud.launch(request, signal),
    async list(signal) {
      signal.throwIfAborted();
      return cloud
        .list()
        .filter(
          ({ tags }) =>
            owner === undefined ||
            (tags.clusterUid === owner.clusterUid && owner.virtualNodes.includes(tags.virtualNode)),
        );
    },
    terminate: (cellId) => cloud.terminate(cellId),
    async claim(cellId, by) {
      return cloud.claim(cellId, by);
    },
    async attest(evidence) {
      return cloud.attest(evidence);
    },
    async health() {},
  };
}
