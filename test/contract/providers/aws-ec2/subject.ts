import { type AwsBed, bedCredentials, startAwsBed } from '../../../support/aws/bed.ts';
import { eventually } from '../../../support/wait.ts';
import type { Subject } from '../subject.ts';
import { machinesIn, providerOver } from './cells.ts';

const CELL_TAG = 'nodeless.io/cell';

async function machineOf(bed: AwsBed, cellId: string) {
  return (await machinesIn(bed)).find(({ tags }) => tags[CELL_TAG] === cellId);
}

export const awsEc2Subject: Subject = {
  name: 'aws-ec2',
  skipReason: undefined,
  boots: false,
  async open() {
    bedCredentials();
    const bed = await startAwsBed();
    return {
      cellApiUrl: 'https://10.0.0.1:8443',
      caPem: 'the authority',
      cellCidr: '172.31.0.0/16',
      token: () => Promise.reject(new Error('machines of the bed do not boot, so they have no tokens')),
      async provider() {
        const provider = providerOver(bed);
        await provider.start(AbortSignal.timeout(30_000));
        return provider;
      },
      async bootstrapped(cellId) {
        await eventually(`${cellId} runs`, async () => (await machineOf(bed, cellId))?.state === 'running', 10_000);
      },
      async kill(cellId) {
        const { id = '' } = (await machineOf(bed, cellId)) ?? {};
        await bed.ask({ Action: 'TerminateInstances', 'InstanceId.1': id });
      },
      remains: async () => (await machinesIn(bed)).map(({ id }) => id),
      close: () => bed.close(),
    };
  },
};
