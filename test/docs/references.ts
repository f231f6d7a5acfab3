import { configReference } from '../../src/config/reference.ts';
import { errorReference } from '../../src/core/error-reference.ts';
import { metricsReference } from './metrics-reference.ts';

/** The documents that are generated, by path from the root. */
export const REFERENCES: Readonly<Record<string, () => string>> = {
  'docs/config.md': configReference,
  'docs/errors.md': errorReference,
  'docs/metrics.md': metricsReference,
};
