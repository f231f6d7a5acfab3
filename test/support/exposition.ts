import { samplesOf } from '../../src/kubelet-endpoint/exposition-lines.ts';

/** One sample of a Prometheus exposition. */
export interface Sample {
  /** Values escaped as in the text. */
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The samples of a series in an exposition, whatever their other labels and the order of these. */
export function samplesIn(exposition: string, series: string): readonly Sample[] {
  return [...samplesOf(exposition)]
    .filter(({ name }) => name === series)
    .map(({ labels, value }) => ({ labels: Object.fromEntries(labels), value: Number(value) }));
}
