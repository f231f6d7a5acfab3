/** One sample of a Prometheus exposition. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The samples of a series in an exposition, whatever their other labels and the order of these. */
export function samplesIn(exposition: string, series: string): readonly Sample[] {
  return exposition.split('\n').flatMap((line) => {
    const [, name, labels = '', value = ''] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
    if (name !== series) return [];
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label = '', text = '']) => [label, text]);
    return [{ labels: Object.fromEntries(pairs), value: Number(value) }];
  });
}
