import { Command } from 'commander';

/** `nodeless demo` (being written). */
export function demoCommand(): Command {
  return new Command('demo');
}
