import tab from '@bomb.sh/tab/commander';
import { Command } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { bundleCommand } from './bundle-command.ts';
import { cellsCommand } from './cells-command.ts';
import { dashboardCommand } from './dashboard-command.ts';
import { demoCommand } from './demo-command.ts';
import { doctorCommand } from './doctor-command.ts';
import { imageCommand } from './image-command.ts';
import { installCommand } from './install-command.ts';
import { planCommand } from './plan-command.ts';
import { poolCommand } from './pool-command.ts';
import { registerCommand } from './register-command.ts';
import { runCommand } from './run-command.ts';
import { simulateCommand } from './simulate-command.ts';
import { statusCommand } from './status-command.ts';
import { uiCommand } from './ui-command.ts';
import { uninstallCommand } from './uninstall-command.ts';
import { whyCommand } from './why-command.ts';

/** `nodeless`, with all of its commands. */
export function createProgram(): Command {
  const program = new Command('nodeless')
    .description('A virtual node whose pods each get a machine of their own.')
    .version(packageJson.version)
    .showSuggestionAfterError()
    // Or a command takes the options of its subcommands.
    .enablePositionalOptions()
    .addCommand(runCommand())
    .addCommand(installCommand())
    .addCommand(registerCommand())
    .addCommand(uninstallCommand())
    .addCommand(statusCommand())
    .addCommand(doctorCommand())
    .addCommand(bundleCommand())
    .addCommand(planCommand())
    .addCommand(whyCommand())
    .addCommand(cellsCommand())
    .addCommand(poolCommand())
    .addCommand(uiCommand())
    .addCommand(simulateCommand())
    .addCommand(dashboardCommand())
    .addCommand(demoCommand())
    .addCommand(imageCommand());

  // The command `completion SHELL` prints a script for bash, zsh, fish or PowerShell, which asks `complete -- WORDS`.
  tab(program, { completionCommandName: 'completion' });
  return program;
}
