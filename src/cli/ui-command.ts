import { Command, InvalidArgumentError } from 'commander';
import { startPageProxy } from './ui/page-proxy.ts';
import { requirePage, virtualNodesIn } from './ui/virtual-nodes.ts';
import { untilSignalled } from './until-signalled.ts';
import { KUBECONFIG, withClient } from './with-client.ts';

const DEFAULT_PORT = 8_011;

interface Flags {
  readonly node?: string;
  readonly port: number;
  readonly kubeconfig?: string;
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  throw new InvalidArgumentError('is a port, or 0 for any free one');
}

function nodeOf(text: string): string {
  if (/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(text)) return text;
  throw new InvalidArgumentError('is the name of a node');
}

/** `nodeless ui`: the page of a virtual node, in a browser. */
export function uiCommand(): Command {
  return new Command('ui')
    .description('Show the page of the virtual node in a browser: serves it on loopback, under your own credential.')
    .option('--node <name>', 'the virtual node; all of them when left out', nodeOf)
    .option('--port <number>', 'port on 127.0.0.1, 0 for any free one', portOf, DEFAULT_PORT)
    .option(...KUBECONFIG)
    .addHelpText('after', '\nNeeds `get` on `nodes/proxy` of the virtual node (docs/ui.md). Ctrl-C ends it.')
    .action(async ({ node, port, kubeconfig }: Flags) => {
      const signal = untilSignalled();
      await withClient(kubeconfig, async (client) => {
        const nodes = node === undefined ? await virtualNodesIn(client, signal) : [node];
        for (const one of nodes) await requirePage(client, one, signal);
        const proxy = await startPageProxy({ client, nodes, port });
        for (const one of nodes) process.stdout.write(`the page of ${one} is at ${proxy.urlOf(one)}\n`);
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        await proxy.stop();
      });
    });
}
