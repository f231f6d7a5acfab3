import { Command, InvalidArgumentError } from 'commander';
import { systemClock } from '../core/clock.ts';
import { CELLS_PATH } from '../core/names.ts';
import { call } from '../kube/calls.ts';
import type { KubeObject } from '../kube/objects.ts';
import { type LogQuery, readAgentLog } from './cells/agent-logs.ts';
import { cellsText } from './cells/cells-text.ts';
import { readConsole } from './cells/console.ts';
import { print } from './cells/print.ts';
import { KUBECONFIG, withClient } from './with-client.ts';

interface Flags {
  readonly kubeconfig?: string;
}

type LogFlags = Flags & Omit<LogQuery, 'cellId' | 'agent'>;

function lines(text: string): string {
  if (/^\d{1,9}$/.test(text)) return text;
  throw new InvalidArgumentError('is a number of lines');
}

function logsCommand(): Command {
  return new Command('logs')
    .description('Print the log of an agent, a DaemonSet’s pod that every cell has, on one cell.')
    .argument('<cell>', 'id of the cell')
    .argument('<agent>', 'name of the DaemonSet, or of its pod')
    .option('-n, --namespace <name>', 'its namespace', 'kube-system')
    .option('-c, --container <name>', 'its container; the first one when left out')
    .option('--tail <lines>', 'how many lines of the end', lines)
    .option('-f, --follow', 'go on with its lines as they are written')
    .option('-p, --previous', 'of the container that ended last')
    .option(...KUBECONFIG)
    .action(async (cellId: string, agent: string, { kubeconfig, ...flags }: LogFlags) => {
      await withClient(kubeconfig, async (client) => {
        await print(await readAgentLog(client, { cellId, agent, ...flags }), process.stdout);
      });
    });
}

function consoleCommand(): Command {
  return new Command('console')
    .description('Print what a cell’s machine has written to its console.')
    .argument('<cell>', 'id of the cell')
    .option(...KUBECONFIG)
    .action(async (cellId: string, { kubeconfig }: Flags) => {
      await withClient(kubeconfig, async (client) => print(await readConsole(client, cellId), process.stdout));
    });
}

/** `nodeless cells`: what cells there are, and what their agents say. */
export function cellsCommand(): Command {
  return new Command('cells')
    .description(
      'List the cells; `cells logs` reads an agent’s log on one of them, `cells console` its machine’s console.',
    )
    .enablePositionalOptions()
    .option(...KUBECONFIG)
    .action(async ({ kubeconfig }: Flags) => {
      await withClient(kubeconfig, async (client) => {
        const { items } = await call<{ items: KubeObject[] }>(client, { method: 'GET', path: CELLS_PATH });
        process.stdout.write(cellsText(items, systemClock.now()));
      });
    })
    .addCommand(logsCommand())
    .addCommand(consoleCommand());
}
