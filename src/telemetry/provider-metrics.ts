import type { Registry } from 'prom-client';
import { histogramIn } from './metrics.ts';

const BUCKETS_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/** Counts the calls of one provider in a registry. */
export function providerMetrics(registry: Registry, provider: string) {
  const calls = histogramIn(registry, {
    name: 'nodeless_provider_call_duration_seconds',
    help: 'Calls to the cloud, by operation and outcome: ok, Aborted, or the code of the error (docs/errors.md).',
    labelNames: ['provider', 'operation', 'outcome'],
    buckets: BUCKETS_SECONDS,
  });
  return (operation: string, outcome: string, seconds: number) =>
    calls.observe({ provider, operation, outcome }, seconds);
}
