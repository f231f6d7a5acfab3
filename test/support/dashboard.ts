import { readFile } from 'node:fs/promises';

/** A query of a panel. */
export interface PanelQuery {
  /** `row or panel: query`, for messages. */
  readonly panel: string;
  readonly expr: string;
}

interface GrafanaPanel {
  readonly title?: string;
  readonly targets?: readonly { readonly expr: string }[];
  readonly panels?: readonly GrafanaPanel[];
}

/** What Grafana puts in for its variables, when all is chosen. */
const VARIABLES: Readonly<Record<string, string>> = {
  $__rate_interval: '5m',
  $__range: '15m',
  $virtual_node: '.*',
  $namespace: '.*',
  $launch_type: '.*',
  $target: '13',
};

function queriesOf({ title = '', targets = [], panels = [] }: GrafanaPanel): readonly PanelQuery[] {
  const own = targets.map(({ expr }) => ({ panel: title, expr: filled(expr) }));
  return [...own, ...panels.flatMap(queriesOf)];
}

function filled(expr: string): string {
  return Object.entries(VARIABLES).reduce((text, [name, value]) => text.replaceAll(name, value), expr);
}

/** Every query of the dashboard that people import, as Prometheus gets it. */
export async function dashboardQueries(): Promise<readonly PanelQuery[]> {
  const file = new URL('../../dashboards/nodeless.json', import.meta.url);
  const { panels } = JSON.parse(await readFile(file, 'utf8')) as { readonly panels: readonly GrafanaPanel[] };
  return panels.flatMap(queriesOf);
}
