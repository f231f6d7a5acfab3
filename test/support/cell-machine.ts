import type { CellMachine, CellTags } from '../../src/core/cell.ts';
import { NOTHING } from '../../src/core/resources.ts';

/** A machine as a provider lists it, launched for the pod with that uid. */
export function cellMachine(
  cellId: string,
  podUid: string,
  state: CellMachine['state'] = 'running',
  tags: Partial<CellTags> = {},
): CellMachine {
  return {
    tags: { clusterUid: 'c', virtualNode: 'n', cellId, pod: `ns/${podUid}`, podUid, ...tags },
    instanceType: 't',
    launchType: 'simulated',
    zone: 'z',
    arch: 'amd64',
    pricePerHourUsd: 1,
    allocatable: NOTHING,
    addresses: ['10.0.0.1'],
    createdAtMs: 0,
    state,
  };
}
