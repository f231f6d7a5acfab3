import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { systemClock } from '../core/clock.ts';
import { type Chosen, podsOf } from './simulate/cluster-pods.ts';
import { recordingOf } from './simulate/recorded-pods.ts';
import { KUBECONFIG, withClient } from './with-client.ts';

interface Flags extends Chosen {
  readonly kubeconfig?: string;
}

/** `nodeless simulate record FILE`: the pods that a cluster has now, as a trace. */
export function simulateRecordCommand(): Command {
  return new Command('record')
    .description('Write the pods that a cluster has now as a trace: creation, how long they ran, what they ask for.')
    .argument('<file>', 'where the trace goes, as CSV')
    .option('-n, --namespace <name>', 'only pods of this namespace')
    .option('-l, --selector <selector>', 'only pods with these labels')
    .option(...KUBECONFIG)
    .action(async (file: string, flags: Flags) => {
      await withClient(flags.kubeconfig, async (client) => {
        const { csv, pods, notStarted, ofDaemonSets } = recordingOf(await podsOf(client, flags), systemClock.now());
        await writeFile(file, csv);
        const left = `left out: ${notStarted} that have not started, ${ofDaemonSets} of DaemonSets`;
        process.stdout.write(
          `${pods} pods written to ${file}; ${left}. Pods that were deleted are not known any more.\n`,
        );
      });
    });
}
