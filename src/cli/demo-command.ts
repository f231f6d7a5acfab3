import { Command } from 'commander';

interface Flags {
  readonly keep?: boolean;
  readonly down?: boolean;
  readonly simulated?: boolean;
  readonly summary?: string;
}

/** `nodeless demo`: the whole of Nodeless on this machine, from nothing and back to nothing. */
export function demoCommand(): Command {
  return new Command('demo')
    .description('Start a Kubernetes on this machine, show pods on cells of their own, and take it all down.')
    .option('--keep', 'leave it up at the end, and say how to use it')
    .option('--down', 'take down a demo that was kept, or killed')
    .option('--summary <file>', 'write what happened to a file (JSON)')
    .option('--simulated', 'simulated cells: no root, no containers, only the control plane is real')
    .action(async (flags: Flags) => {
      // A terminal that has gone, or a closed pipe, must not keep it from being taken down.
      for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
      const { runDemo, runDown } = await import('./demo/demo.ts');
      const { keep = false, simulated = false, summary } = flags;
      const options = { keep, simulated, ...(summary === undefined ? {} : { summary }) };
      process.exitCode = flags.down === true ? await runDown() : await runDemo(options);
    });
}
