import { buildDashboard } from '../../dashboards/build.ts';
import { configReference } from '../../src/config/reference.ts';
import { errorReference } from '../../src/core/error-reference.ts';
import { chartFiles } from './helm-chart.ts';
import { metricsReference } from './metrics-reference.ts';

/** The files that are generated, by path from the root. */
export const REFERENCES: Readonly<Record<string, () => string>> = {
  'docs/config.md': configReference,
  'docs/errors.md': errorReference,
  'docs/metrics.md': metricsReference,
  ...chartFiles(),
  'dashboards/nodeless.json': () => `${JSON.stringify(buildDashboard(), undefined, 2)}\n`,
};
