import { PanelBuilder as BarGauge } from '@grafana/grafana-foundation-sdk/bargauge';
import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import { StackingConfigBuilder, StackingMode } from '@grafana/grafana-foundation-sdk/common';
import {
  CustomVariableBuilder,
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as Heatmap } from '@grafana/grafana-foundation-sdk/heatmap';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as Stat } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as Table } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeSeries } from '@grafana/grafana-foundation-sdk/timeseries';
import { START_BUCKETS_SECONDS } from '../src/pods/metrics.ts';
import { ROWS } from './dashboard.ts';
import type { Panel, Query, Row } from './panel.ts';

const SOURCE = { type: 'prometheus', uid: '$datasource' };
const HEIGHT = 8;
/** What somebody might promise of a start. */
const TARGETS_SECONDS = START_BUCKETS_SECONDS.filter((seconds) => seconds >= 1 && seconds <= 120);
const NEW_PANEL = {
  bargauge: () => new BarGauge(),
  heatmap: () => new Heatmap(),
  stat: () => new Stat(),
  table: () => new Table(),
  timeseries: () => new TimeSeries(),
};

function targetOf({ expr, legend }: Query, { kind }: Panel, index: number): Builder<Dataquery> {
  const target = new DataqueryBuilder()
    .expr(expr)
    .datasource(SOURCE)
    .refId(String.fromCharCode(65 + index));
  if (legend !== undefined) target.legendFormat(legend);
  if (kind === 'heatmap') return target.format(PromQueryFormat.Heatmap);
  if (kind === 'table') return target.format(PromQueryFormat.Table).instant();
  return kind === 'timeseries' ? target.range() : target.instant();
}

function panelOf(panel: Panel) {
  const { title, description, kind, unit, width, height = HEIGHT, stacked = false, queries } = panel;
  const made = NEW_PANEL[kind]().title(title).description(description).datasource(SOURCE).span(width).height(height);
  if (unit !== undefined) made.unit(unit);
  if (made instanceof TimeSeries && stacked)
    made.stacking(new StackingConfigBuilder().mode(StackingMode.Normal)).fillOpacity(25);
  for (const [index, query] of queries.entries()) made.withTarget(targetOf(query, panel, index));
  return made;
}

function choiceOf(name: string, label: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(SOURCE)
    .query(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.*');
}

function addRow(dashboard: DashboardBuilder, { title, collapsed = false, panels }: Row): void {
  const row = new RowBuilder(title).collapsed(collapsed);
  // Those of a closed row are inside of it, those of an open one follow it.
  if (collapsed) for (const panel of panels) row.withPanel(panelOf(panel));
  dashboard.withRow(row);
  if (!collapsed) for (const panel of panels) dashboard.withPanel(panelOf(panel));
}

/** The dashboard as Grafana imports it. */
export function buildDashboard(): Dashboard {
  const dashboard = new DashboardBuilder('Nodeless')
    .uid('nodeless')
    .description('Virtual nodes, their cells, how fast pods start on them, and what they cost.')
    .tags(['kubernetes', 'nodeless'])
    .refresh('30s')
    .time({ from: 'now-1h', to: 'now' })
    .tooltip(DashboardCursorSync.Crosshair)
    .withVariable(new DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'))
    .withVariable(choiceOf('virtual_node', 'Virtual node', 'label_values(nodeless_leader, virtual_node)'))
    .withVariable(choiceOf('namespace', 'Namespace', 'label_values(nodeless_cell_cost_dollars_total, namespace)'))
    .withVariable(choiceOf('launch_type', 'Launch type', 'label_values(nodeless_cell_cost_dollars_total, launch_type)'))
    .withVariable(
      new CustomVariableBuilder('target')
        .label('Start within (s)')
        .values(TARGETS_SECONDS.join(','))
        .current({ text: '5', value: '5' }),
    );
  for (const row of ROWS) addRow(dashboard, row);
  return dashboard.build();
}
