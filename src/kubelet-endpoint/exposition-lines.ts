/** The Prometheus text format 0.0.4, read strictly: what does not fit is left out. */
const METRIC_TYPES = ['counter', 'gauge', 'histogram', 'summary', 'untyped'] as const;
type MetricType = (typeof METRIC_TYPES)[number];

export interface FamilyHead {
  readonly name: string;
  readonly type: MetricType;
  /** Escaped as in the text. */
  readonly help: string;
}

export interface Sample {
  readonly family: FamilyHead;
  readonly name: string;
  /** Values escaped as in the text. */
  readonly labels: ReadonlyMap<string, string>;
  /** Name and labels as text, one for each series: the labels are in order. */
  readonly series: string;
  readonly value: string;
  /** Milliseconds since the epoch. */
  readonly timestamp?: string;
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const NUMBER = '[-+]?(?:[0-9]+(?:\\.[0-9]*)?(?:[eE][-+]?[0-9]+)?|\\.[0-9]+(?:[eE][-+]?[0-9]+)?|Inf)|NaN';
const SERIES_NAME = new RegExp(NAME, 'y');
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="([^"\\]*(?:\\[\\"n][^"\\]*)*)"(,|(?=\}))/y;
const VALUE = new RegExp(`[ \\t]+(${NUMBER})(?:[ \\t]+(-?[0-9]{1,15}))?[ \\t]*$`, 'y');
const TYPE = new RegExp(`^# TYPE (${NAME}) (${METRIC_TYPES.join('|')})[ \\t]*$`);
const HELP = new RegExp(`^# HELP (${NAME}) (.{0,1024})$`);
const SUFFIXES: Partial<Record<MetricType, RegExp>> = {
  histogram: /^(.+)_(?:bucket|sum|count)$/,
  summary: /^(.+)_(?:sum|count)$/,
};

/** No kubelet writes longer ones. */
const MAX_LINE = 16_384;

interface Heads {
  readonly types: Map<string, MetricType>;
  readonly helps: Map<string, string>;
}

function headOf(heads: Heads, name: string): FamilyHead | undefined {
  const own = heads.types.get(name);
  if (own !== undefined) {
    return own === 'histogram' ? undefined : { name, type: own, help: heads.helps.get(name) ?? '' };
  }
  for (const type of ['histogram', 'summary'] as const) {
    const base = SUFFIXES[type]?.exec(name)?.[1];
    if (base !== undefined && heads.types.get(base) === type) {
      return { name: base, type, help: heads.helps.get(base) ?? '' };
    }
  }
  return { name, type: 'untyped', help: heads.helps.get(name) ?? '' };
}

/** A series' text from its name and labels, whatever order these come in. */
export function seriesText(name: string, labels: ReadonlyMap<string, string>): string {
  if (labels.size === 0) return name;
  const sorted = [...labels].sort(([a], [b]) => (a < b ? -1 : 1));
  return `${name}{${sorted.map(([label, value]) => `${label}="${value}"`).join(',')}}`;
}

interface Labels {
  readonly labels: Map<string, string>;
  /** They came in order, as kubelets write them: the line's own text can stand for the series. */
  readonly ordered: boolean;
  /** Where the line goes on. */
  readonly end: number;
}

const NO_LABELS: ReadonlyMap<string, string> = new Map();

/** The labels from an opening brace on; undefined when they are not well-formed, or one comes twice. */
function labelsAt(line: string, brace: number): Labels | undefined {
  const labels = new Map<string, string>();
  let ordered = true;
  let last = '';
  LABEL.lastIndex = brace + 1;
  while (line.charCodeAt(LABEL.lastIndex) !== CLOSING_BRACE) {
    const [matched, name = '', value = '', comma] = LABEL.exec(line) ?? [];
    if (matched === undefined || labels.has(name)) return undefined;
    labels.set(name, value);
    ordered &&= last < name && !(comma === ',' && line.charCodeAt(LABEL.lastIndex) === CLOSING_BRACE);
    last = name;
  }
  return { labels, ordered, end: LABEL.lastIndex + 1 };
}

const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

/** One pass over the line: this runs for each series of each cell. */
function sampleOf(line: string, heads: Heads): Sample | undefined {
  SERIES_NAME.lastIndex = 0;
  const name = SERIES_NAME.exec(line)?.[0];
  const family = name === undefined ? undefined : headOf(heads, name);
  if (name === undefined || family === undefined) return undefined;
  const braced = line.charCodeAt(name.length) === OPENING_BRACE;
  const read = braced ? labelsAt(line, name.length) : { labels: NO_LABELS, ordered: true, end: name.length };
  if (read === undefined) return undefined;
  const { labels, ordered, end } = read;
  VALUE.lastIndex = end;
  const [matched, value = '', timestamp] = VALUE.exec(line) ?? [];
  if (matched === undefined) return undefined;
  const series = ordered && labels.size > 0 ? line.slice(0, end) : seriesText(name, labels);
  return { family, name, labels, series, value, ...(timestamp === undefined ? {} : { timestamp }) };
}

function* linesOf(text: string): Generator<string> {
  let from = 0;
  while (from < text.length) {
    const end = text.indexOf('\n', from);
    yield end < 0 ? text.slice(from) : text.slice(from, end);
    if (end < 0) return;
    from = end + 1;
  }
}

/** Comments and lines that may matter, as a text of its own: a piece of a string keeps the whole string in memory. */
function kept(text: string, mayMatter: (line: string) => boolean): string {
  const lines: string[] = [];
  for (const line of linesOf(text)) if (line.startsWith('#') || mayMatter(line)) lines.push(line);
  return lines.join('\n');
}

/**
 * The samples of an exposition. `mayMatter` sees the raw line first and spares reading those that can't be kept:
 * most of what a kubelet tells is about its machine.
 */
export function* samplesOf(text: string, mayMatter: (line: string) => boolean = () => true): Generator<Sample> {
  const heads: Heads = { types: new Map(), helps: new Map() };
  for (const line of linesOf(kept(text, mayMatter))) {
    if (line.startsWith('#')) {
      const [, typed, type] = TYPE.exec(line) ?? [];
      if (typed !== undefined && !heads.types.has(typed)) heads.types.set(typed, type as MetricType);
      const [, helped, help = ''] = HELP.exec(line) ?? [];
      if (helped !== undefined) heads.helps.set(helped, help);
    } else if (line !== '' && line.length <= MAX_LINE) {
      const sample = sampleOf(line, heads);
      if (sample !== undefined) yield sample;
    }
  }
}
