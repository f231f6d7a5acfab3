import { Command } from 'commander';
import { systemClock } from '../core/clock.ts';
import { NodelessError } from '../core/errors.ts';
import { type Survey, survey } from '../install/survey.ts';
import { uninstall } from '../install/uninstall.ts';
import { confirm } from './confirm.ts';
import { timeoutOption } from './timeout-flag.ts';
import { untilSignalled } from './until-signalled.ts';
import { withClient } from './with-client.ts';

interface Flags {
  readonly virtualNode: string;
  readonly namespace: string;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly timeout: number;
  readonly kubeconfig?: string;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

/** What an uninstallation will do, in a sentence for who is asked. Pure. */
export function uninstallText(
  { virtualNode, namespace }: Pick<Flags, 'virtualNode' | 'namespace'>,
  found: Survey,
): string {
  const { nodes, pods, cells, others, cellClasses, namespaceIs } = found;
  const shared = Object.entries(others);
  const classes = cellClasses.length === 0 ? '' : ` and the CellClasses (${cellClasses.join(', ')})`;
  const space = namespaceIs === 'made' ? `, and the namespace ${namespace}` : '';
  const last =
    shared.length === 0
      ? `With the last virtual node go the definitions${classes}${space}.`
      : `What it shares with ${shared.map(([name]) => name).join(', ')} stays.`;
  const where =
    nodes.length === 0 ? `virtual node ${virtualNode}, of which there is no Node` : `virtual node ${nodes.join(', ')}`;
  return `${where}: ${count(pods.length, 'pod')} will be evicted, ${count(cells.length, 'cell')} will end. ${last}`;
}

/** True when there is nothing of it at all. */
function isAbsent({ nodes, hasDeployment, cells, isInstalled }: Survey): boolean {
  return nodes.length + cells.length === 0 && !hasDeployment && !isInstalled;
}

/** `nodeless uninstall`: pods elsewhere, cells ended, and nothing left. */
export function uninstallCommand(): Command {
  return new Command('uninstall')
    .description('Take a virtual node out of a cluster: evict its pods, end its cells, leave nothing.')
    .option('--virtual-node <name>', 'name of the virtual node', 'nodeless')
    .option('--namespace <name>', 'namespace of the provider', 'nodeless-system')
    .option('--yes', 'do not ask')
    .option('--dry-run', 'say what would be done, and do nothing')
    .addOption(timeoutOption('how long pods may take to go, and cells to end'))
    .option('--kubeconfig <file>', 'kubeconfig of a cluster administrator; the default one when left out')
    .action(async (flags: Flags) => {
      const signal = untilSignalled();
      await withClient(
        flags.kubeconfig,
        async (client) => {
          const found = await survey(client, flags);
          if (isAbsent(found)) {
            const message = `there is no virtual node ${flags.virtualNode} of namespace ${flags.namespace}; nodeless status lists what there is`;
            throw new NodelessError({ code: 'NotFound', message });
          }
          const text = uninstallText(flags, found);
          if (flags.dryRun === true) {
            process.stdout.write(`${text}\n`);
            return;
          }
          await confirm(text, flags.yes === true, signal);
          const tell = (step: string) => process.stderr.write(`${step}\n`);
          const kept = await uninstall({
            ...flags,
            client,
            clock: systemClock,
            signal,
            timeoutMs: flags.timeout,
            tell,
          });
          for (const what of kept) process.stdout.write(`kept: ${what}\n`);
          process.stdout.write(`virtual node ${flags.virtualNode} is uninstalled\n`);
        },
        'nodeless-install',
      );
    });
}
