import { createSimulatedCloud } from '../../../providers/simulated/cloud.ts';
import { createSimulatedProvider } from '../../../providers/simulated/provider.ts';
import { startStandInCellApi } from './stand-in-cell-api.ts';
import type { Subject } from './subject.ts';

export const simulatedSubject: Subject = {
  name: 'simulated',
  skipReason: undefined,
  boots: true,
  async open() {
    const api = await startStandInCellApi();
    const cloud = createSimulatedCloud();
    const token = async (cellId: string) => cloud.tokenOf(cellId) ?? '';
    return {
      cellApiUrl: api.url,
      caPem: api.caPem,
      cellCidr: '10.200.0.0/16',
      token,
      async provider() {
        return createSimulatedProvider({ cloud });
      },
      async bootstrapped(cellId) {
        const expected = await token(cellId);
        await api.request((request) => request.token === expected, 10_000);
      },
      async kill(cellId) {
        cloud.interrupt(cellId, 'the test pulled the plug');
      },
      remains: async () => cloud.list().map(({ tags }) => tags.cellId),
      async close() {
        await cloud.close();
        await api.close();
      },
    };
  },
};
