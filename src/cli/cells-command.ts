import { Command, InvalidArgumentError } from 'commander';
import { systemClock } from '../core/clock.ts';
import { CELLS_PATH } from '../core/names.ts';
import { call } from '../kube/calls.ts';
import type { KubeObject } from '../kube/objects.ts';
import { type LogQuery, readAgentLog } from './cells/agent-logs.ts';
import { cellsText, cellText } from './cells/cells-text.ts';
import { readConsole } from './cells/console.ts';
import { endCells, endQuestion, readCell } from './cells/one-cell.ts';
import { print } from './cells/print.ts';
import { confirm } from './confirm.ts';
import { formatted, outputOption, type Structured } from './output.ts';
import { untilSignalled } from './until-signalled.ts';
import { KUBECONFIG, withClient } from './with-client.ts';

interface Flags {
  readonly kubeconfig?: string;
}

interface ListFlags extends Flags {
  readonly output: 'table' | 'wide' | Structured;
}

interface ShowFlags extends Flags {
  readonly output: 'text' | Structured;
}

interface EndFlags extends Flags {
  readonly yes?: true;
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

function showCommand(): Command {
  return new Command('show')
    .description('Show one cell: its machine, pods, price, and its start by phase.')
    .argument('<cell>', 'id of the cell')
    .addOption(outputOption('text'))
    .option(...KUBECONFIG)
    .action(async (cellId: string, { output, kubeconfig }: ShowFlags) => {
      const cell = await withClient(kubeconfig, (client) => readCell(client, cellId));
      process.stdout.write(formatted(cell, output, { text: () => cellText(cell, systemClock.now()) }));
    });
}

function endCommand(): Command {
  return new Command('end')
    .description('End cells, with whatever runs on them.')
    .argument('<cells...>', 'ids of the cells')
    .option('-y, --yes', 'do not ask')
    .option(...KUBECONFIG)
    .action(async (cellIds: readonly string[], { yes, kubeconfig }: EndFlags) => {
      await withClient(kubeconfig, async (client) => {
        const cells = await Promise.all([...new Set(cellIds)].map((cellId) => readCell(client, cellId)));
        await confirm(endQuestion(cells), yes === true, untilSignalled());
        await endCells(client, cells);
        process.stdout.write(`${cells.map(({ metadata }) => `${metadata.name} ends`).join('\n')}\n`);
      });
    });
}

/** `nodeless cells`: what cells there are, what they and their agents say, and their end. */
export function cellsCommand(): Command {
  return new Command('cells')
    .description('List the cells; show one, read its agents’ logs and its machine’s console, end it.')
    .enablePositionalOptions()
    .addOption(outputOption('table', 'wide'))
    .option(...KUBECONFIG)
    .action(async ({ output, kubeconfig }: ListFlags) => {
      const ask = { method: 'GET', path: CELLS_PATH } as const;
      const { items } = await withClient(kubeconfig, (client) => call<{ items: KubeObject[] }>(client, ask));
      const text = (isWide: boolean) => () => cellsText(items, systemClock.now(), isWide);
      process.stdout.write(formatted(items, output, { table: text(false), wide: text(true) }));
    })
    .addCommand(showCommand())
    .addCommand(endCommand())
    .addCommand(logsCommand())
    .addCommand(consoleCommand());
}
