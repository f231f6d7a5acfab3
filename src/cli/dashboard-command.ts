import { Command, InvalidArgumentError } from 'commander';
import { stringify } from 'yaml';
import dashboard from '../../dashboards/nodeless.json' with { type: 'json' };
import { readGrafanaLogin } from '../config/environment.ts';
import { NodelessError } from '../core/errors.ts';
import { Grafana, type GrafanaLogin, plainTextWarning } from './dashboard/grafana.ts';
import { untilSignalled } from './until-signalled.ts';

function urlOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw new InvalidArgumentError('it is no http(s) URL.');
  if (url.username !== '' || url.password !== '')
    throw new InvalidArgumentError('leave the password out: set GRAFANA_TOKEN, or GRAFANA_USER and GRAFANA_PASSWORD.');
  return url;
}

function loginOf(): GrafanaLogin {
  const login = readGrafanaLogin();
  if (login !== undefined) return login;
  const message = 'Grafana wants to know who imports: set GRAFANA_TOKEN, or GRAFANA_USER and GRAFANA_PASSWORD';
  throw new NodelessError({ code: 'Unauthenticated', message });
}

interface ImportFlags {
  readonly grafana: URL;
  readonly folder?: string;
  readonly overwrite: boolean;
  readonly dryRun: boolean;
}

function importCommand(): Command {
  return new Command('import')
    .description('Import the dashboard into a Grafana, over its HTTP API.')
    .requiredOption('--grafana <url>', 'address of Grafana, with its path if it has one', urlOf)
    .option('--folder <title>', 'folder to put it in, made if it is not there; the general one when left out')
    .option('--overwrite', 'replace the version that is there', false)
    .option('--dry-run', 'say what would be imported, and ask Grafana nothing', false)
    .addHelpText('after', '\nGRAFANA_TOKEN is a service account’s token; or set GRAFANA_USER and GRAFANA_PASSWORD.')
    .action(async ({ grafana: url, dryRun, ...into }: ImportFlags) => {
      const what = `dashboard ${dashboard.title} (uid ${dashboard.uid})`;
      if (dryRun) {
        process.stdout.write(`${what} would go to ${url.href}, folder ${into.folder ?? 'General'}\n`);
        return;
      }
      const login = loginOf();
      const warning = plainTextWarning(url, login);
      if (warning !== undefined) process.stderr.write(`${warning}\n`);
      const at = await new Grafana({ url, login, signal: untilSignalled() }).import(dashboard, into);
      process.stdout.write(`${what} is imported: ${at.href}\n`);
    });
}

function printCommand(): Command {
  return new Command('print')
    .description('Print the dashboard as JSON, or as the ConfigMap that a Grafana sidecar loads.')
    .option('--configmap', 'as a ConfigMap with the label grafana_dashboard', false)
    .option('--namespace <name>', 'namespace of the ConfigMap', 'nodeless-system')
    .action(({ configmap, namespace }: { configmap: boolean; namespace: string }) => {
      const json = JSON.stringify(dashboard, undefined, 2);
      const object = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'nodeless-dashboard', namespace, labels: { grafana_dashboard: '1' } },
        data: { 'nodeless.json': json },
      };
      process.stdout.write(configmap ? stringify(object) : `${json}\n`);
    });
}

/** `nodeless dashboard`: the Grafana dashboard. */
export function dashboardCommand(): Command {
  return new Command('dashboard')
    .description('Import or print the Grafana dashboard.')
    .addCommand(importCommand())
    .addCommand(printCommand());
}
