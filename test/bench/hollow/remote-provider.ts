import type { Attestation, CellProvider } from '../../../providers/contract.ts';
import type { CellMachine } from '../../../src/core/cell.ts';
import type { Offering } from '../../../src/core/offerings.ts';
import type { Channel } from './channel.ts';

/** The cells of a cloud in another process. */
export function remoteProvider(cloud: Channel): CellProvider {
  return {
    name: 'hollow',
    async start() {},
    stop: () => cloud.close(),
    offerings: (signal) => cloud.call<Offering[]>('offerings', null, signal),
    launch: (request, signal) => cloud.call<CellMachine>('launch', request, signal),
    list: (signal) => cloud.call<CellMachine[]>('list', null, signal),
    terminate: (cellId, signal) => cloud.call<void>('terminate', cellId, signal),
    attest: (evidence, signal) => cloud.call<Attestation>('attest', evidence, signal),
    async health() {},
  };
}
