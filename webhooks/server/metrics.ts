import type { Registry } from 'prom-client';
import { counterIn, histogramIn } from '../../src/telemetry/metrics.ts';

export interface WebhookMetrics {
  /** A pod was judged; dry runs count as well. */
  decided(decision: string, reason: string): void;
  /** A request to `path` was answered with this HTTP status after so long. */
  answered(path: string, status: number, seconds: number): void;
}

const BUCKETS_SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.1, 0.5, 2];

/** Registers the webhooks' series with the given registry. */
export function createWebhookMetrics(registry: Registry): WebhookMetrics {
  const decisions = counterIn(registry, {
    name: 'nodeless_webhook_decisions_total',
    help: 'Pods that routing has judged, by decision and reason.',
    labelNames: ['decision', 'reason'],
  });
  const latency = histogramIn(registry, {
    name: 'nodeless_webhook_request_duration_seconds',
    help: 'Time from a whole request to its answer, by path and HTTP status.',
    labelNames: ['path', 'code'],
    buckets: BUCKETS_SECONDS,
  });
  return {
    decided: (decision, reason) => decisions.inc({ decision, reason }),
    answered: (path, code, seconds) => latency.observe({ path, code }, seconds),
  };
}
