import type { FamilyHead, Sample } from './exposition-lines.ts';

/** What becomes of a series that comes twice. */
type OnDuplicate = 'first' | 'sum';

/** Samples of many sources, put together as one valid exposition: one HELP and TYPE per family, no series twice. */
export interface Exposition {
  add(source: string, sample: Sample, onDuplicate?: OnDuplicate): void;
  render(): string;
}

export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** One family as those sources tell it that agree on its type. */
interface Variant {
  readonly head: FamilyHead;
  readonly sources: Set<string>;
  /** Value, and timestamp if any, by the series' text. */
  readonly series: Map<string, string>;
}

function measured({ value, timestamp }: Pick<Sample, 'value' | 'timestamp'>): string {
  return timestamp === undefined ? value : `${value} ${timestamp}`;
}

/** Values summed, the newer timestamp kept. */
function summed(present: string, sample: Sample): string {
  const [value = '', timestamp] = present.split(' ');
  const timestamps = [timestamp, sample.timestamp].filter((one) => one !== undefined).map(Number);
  const total = String(numberOf(value) + sampleValue(sample)).replace('Infinity', 'Inf');
  return measured({ value: total, ...(timestamps.length === 0 ? {} : { timestamp: String(Math.max(...timestamps)) }) });
}

function numberOf(value: string): number {
  return Number(value.replace('Inf', 'Infinity'));
}

/** A sample's value as a number. */
export function sampleValue(sample: Sample): number {
  return numberOf(sample.value);
}

function renderVariant({ head, series }: Variant): string {
  const lines = Array.from(series, ([text, value]) => `${text} ${value}\n`);
  const help = head.help === '' ? '' : `# HELP ${head.name} ${head.help}\n`;
  return `${help}# TYPE ${head.name} ${head.type}\n${lines.join('')}`;
}

/**
 * Sources that disagree on a family's type can't both be right, and both in one text make it invalid: the type that
 * most sources tell is kept, so that one lying cell can't spoil the others' series; where as many tell another, none.
 */
function mostTold(variants: readonly Variant[]): Variant | undefined {
  const [most, next] = variants.toSorted((a, b) => b.sources.size - a.sources.size);
  return most?.sources.size === next?.sources.size ? undefined : most;
}

/** An empty exposition. */
export function createExposition(): Exposition {
  const families = new Map<string, Map<string, Variant>>();

  function variantOf(head: FamilyHead): Variant {
    const variants = families.get(head.name) ?? new Map<string, Variant>();
    families.set(head.name, variants);
    const variant = variants.get(head.type) ?? { head, sources: new Set(), series: new Map() };
    variants.set(head.type, variant);
    return variant;
  }

  return {
    add(source, sample, onDuplicate = 'first') {
      const variant = variantOf(sample.family);
      variant.sources.add(source);
      const present = variant.series.get(sample.series);
      if (present === undefined) variant.series.set(sample.series, measured(sample));
      else if (onDuplicate === 'sum') variant.series.set(sample.series, summed(present, sample));
    },
    render() {
      const names = [...families.keys()].sort();
      return names
        .map((name) => mostTold([...(families.get(name)?.values() ?? [])]))
        .map((variant) => (variant === undefined ? '' : renderVariant(variant)))
        .join('');
    },
  };
}
