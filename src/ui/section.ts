/** A column of a table; what it holds decides how a browser shows it. */
export interface Column {
  readonly name: string;
  /** `number` is aligned to the right, `time` is milliseconds since the epoch, shown as the viewer's clock has it. */
  readonly kind?: 'number' | 'time';
}

/** How a row stands out. */
export type Tone = 'good' | 'waiting' | 'bad';

export interface Row {
  /** As many as there are columns; the first one names the row. */
  readonly values: readonly (string | number)[];
  readonly tone?: Tone;
}

/** One table of the page. Another one needs no change of the page: it shows each that it is sent, in turn. */
export interface Section {
  readonly id: string;
  readonly title: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  /** What is said where there are no rows. */
  readonly empty: string;
  /** Rows that are not shown. */
  readonly left: number;
}

/** What a table shows of longer ones. */
export const MAX_ROWS = 50;
/** Longer than any name of Kubernetes', and as much as anybody reads in a table. */
export const MAX_TEXT = 300;

/** The beginning of a text, in whole characters, and without what moves what stands after it. */
export function clip(text: string, max = MAX_TEXT): string {
  const plain = text.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]+/gu, ' ');
  if (plain.length <= max) return plain;
  return `${plain.slice(0, max - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

/** A table of a bounded size, whatever its rows are made of. */
export function sectionOf(about: Omit<Section, 'rows' | 'left'>, rows: readonly Row[]): Section {
  const shown = rows.slice(0, MAX_ROWS).map(({ values, ...row }) => ({
    ...row,
    values: values.map((value) => (typeof value === 'string' ? clip(value) : value)),
  }));
  return { ...about, rows: shown, left: rows.length - shown.length };
}
