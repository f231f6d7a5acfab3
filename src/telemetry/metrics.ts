import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** What every series has. */
export interface Series<Label extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly Label[];
}

/** What two parts of a process count under one name is one series. */
function once<T>(registry: Registry, name: string, make: () => T): T {
  return (registry.getSingleMetric(name) as T | undefined) ?? make();
}

/** A counter of the registry, made if it is not there yet. `collect` may add to it whenever somebody reads it. */
export function counterIn<Label extends string = never>(
  registry: Registry,
  series: Series<Label> & { readonly collect?: () => void },
): Counter<Label> {
  return once(registry, series.name, () => new Counter({ ...series, registers: [registry] }));
}

/** A gauge of the registry. With `collect` it is set anew, from nothing, whenever somebody reads it. */
export function gaugeIn<Label extends string = never>(
  registry: Registry,
  series: Series<Label> & { readonly collect?: (gauge: Gauge<Label>) => void },
): Gauge<Label> {
  const { collect, ...described } = series;
  return once(
    registry,
    series.name,
    () =>
      new Gauge<Label>({
        ...described,
        registers: [registry],
        collect() {
          if (collect === undefined) return;
          this.reset();
          collect(this);
        },
      }),
  );
}

/** A histogram of the registry; `buckets` are upper bounds in the unit that its name ends with. */
export function histogramIn<Label extends string = never>(
  registry: Registry,
  series: Series<Label> & { readonly buckets: readonly number[] },
): Histogram<Label> {
  const { buckets, ...described } = series;
  return once(
    registry,
    series.name,
    () => new Histogram({ ...described, buckets: [...buckets], registers: [registry] }),
  );
}
