import type { Registry } from 'prom-client';

/** The samples of a series by their labels in alphabetical order, `a=1,b=2`; buckets are left out. */
export async function samplesOf(registry: Registry, name: string): Promise<Readonly<Record<string, number>>> {
  const metrics = await registry.getMetricsAsJSON();
  const samples = metrics.flatMap((metric) =>
    metric.values.map((value) => ({ metricName: metric.name, ...value }) as SampleOf),
  );
  return Object.fromEntries(
    samples.filter(({ metricName }) => metricName === name).map(({ labels, value }) => [keyOf(labels), value]),
  );
}

interface SampleOf {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

function keyOf(labels: SampleOf['labels']): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}=${value}`);
  return pairs.sort().join(',');
}
