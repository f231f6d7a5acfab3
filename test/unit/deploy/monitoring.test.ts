import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { beforeAll, describe, expect, test } from 'vitest';
import { ensureSystemPrograms } from '../../../src/local-cluster/system-packages.ts';
import { registries } from '../../docs/metrics-reference.ts';
import { rules, seriesIn } from '../../support/rules.ts';

const AT = fileURLToPath(new URL('../../../deploy/monitoring/', import.meta.url));
const RUNBOOKS = await readFile(new URL('../../../docs/runbooks.md', import.meta.url), 'utf8');

const RULES = await rules();
/** Of kube-state-metrics. */
const OF_OTHERS = ['kube_node_status_condition'];
const ALERTS = RULES.filter(({ alert }) => alert !== undefined);

async function promtool(args: readonly string[], input = ''): Promise<string> {
  const { all, exitCode } = await execa('promtool', args, { cwd: AT, all: true, reject: false, input });
  return `${exitCode} ${all}`;
}

beforeAll(async () => {
  const programs = [{ program: 'promtool', debianPackage: 'prometheus' }];
  await ensureSystemPrograms({ progress: () => undefined, signal: new AbortController().signal, programs });
}, 600_000);

describe('rules for Prometheus', () => {
  test('are ones that Prometheus reads', async () => {
    expect(await promtool(['check', 'rules', 'rules.yaml'])).toMatch(/^0 .*SUCCESS/s);
  });

  test('fire where they should, and are silent where all is well', async () => {
    expect(await promtool(['test', 'rules', 'rules.test.yaml'])).toMatch(/^0 /);
    const tested = await readFile(`${AT}rules.test.yaml`, 'utf8');
    for (const { alert } of ALERTS) expect(tested, alert).toMatch(new RegExp(`alertname: ${alert}\\n`));
  });

  test('have a runbook for each alert, and no runbook is for none', () => {
    const headings = [...RUNBOOKS.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual(expect.arrayContaining(ALERTS.map(({ alert }) => alert)));
    expect(headings).toHaveLength(ALERTS.length);
    for (const { alert = '', annotations } of ALERTS)
      expect(annotations?.runbook_url).toBe(`docs/runbooks.md#${alert.toLowerCase()}`);
  });

  test('ask for series that there are', async () => {
    const ours = registries().flatMap((registry) => registry.getMetricsAsArray().map(({ name }) => name));
    const known = [...ours, ...RULES.flatMap(({ record = [] }) => record), ...OF_OTHERS];
    const asked = RULES.flatMap(({ expr }) => seriesIn(expr));
    expect(asked.length).toBeGreaterThan(10);
    for (const name of asked) expect(known, name).toContain(name.replace(/_(bucket|count|sum)$/, ''));
  });

  test.each([
    ['sum by (a, b) (rate(x_total{c=~"d_e"}[5m])) or vector(0)', ['x_total']],
    ['a:b:c > 14.4 * 0.05 and on (virtual_node) max(last_over_time(y[1d])) unless z == 1', ['a:b:c', 'y', 'z']],
    ['label_replace(x, "node", "$1", "virtual_node", "(.*)") * 1e3', ['x']],
  ])('the series that %s asks for are found', (expr, expected) => {
    expect(seriesIn(expr)).toEqual(expected);
  });
});

describe('series', () => {
  test('have names that Prometheus’ own linter takes', async () => {
    // Each by itself: a process has one of them at a port.
    for (const registry of registries()) {
      const names = registry
        .getMetricsAsArray()
        .map(({ name }) => name)
        .filter((name) => name.startsWith('nodeless_'));
      const series = await Promise.all(names.map((name) => registry.getSingleMetricAsString(name)));
      expect(names.length).toBeGreaterThan(3);
      expect(await promtool(['check', 'metrics'], `${series.join('\n')}\n`)).toBe('0 ');
    }
    expect(await promtool(['check', 'metrics'], '# TYPE nodeless_wrong counter\nnodeless_wrong 1\n')).toMatch(/^3 /);
  });
});
