import { cpus, release, totalmem } from 'node:os';
import type { BenchResult, Figure } from './benchmark.ts';
import { markdownTable } from './markdown-table.ts';
import { summaryOf } from './statistics.ts';

/** How one benchmark went: its result, or why it has none. */
export interface Outcome {
  readonly name: string;
  readonly title: string;
  readonly seconds: number;
  readonly result?: BenchResult;
  readonly failure?: string;
}

export interface Report {
  readonly date: string;
  readonly machine: Readonly<Record<string, string | number>>;
  readonly benchmarks: readonly Outcome[];
}

/** The machine that the figures were measured on. */
export function machine(): Report['machine'] {
  const [first] = cpus();
  return {
    cpu: first?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
  };
}

/** Three digits that count, and no more. */
export function rounded(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (value === 0 || Math.abs(value) >= 100) return value.toFixed(0);
  return value
    .toPrecision(3)
    .replace(/(\.\d*?)0+$/, '$1')
    .replace(/\.$/, '');
}

/** Few values are all shown, in the order of measurement; of many, the ends. */
const SHOWN_VALUES = 5;

function row(figure: Figure): readonly string[] {
  const { name, subject, unit, values, aim } = figure;
  const { median, p95, p99, min, max, count, met } = summaryOf(figure);
  const many = count > SHOWN_VALUES;
  return [
    name,
    subject,
    unit,
    rounded(median),
    many ? rounded(p95) : '',
    many ? rounded(p99) : '',
    many ? `${rounded(min)} … ${rounded(max)} (${count})` : values.map(rounded).join(', '),
    aim === undefined ? '' : `≤ ${rounded(aim.atMost)}${aim.by === undefined ? '' : ` (${aim.by})`}`,
    met === undefined ? '' : met ? 'met' : 'missed',
  ];
}

const HEADINGS = ['figure', 'of', 'unit', 'median', 'p95', 'p99', 'values', 'aim', ''];

function section({ name, title, seconds, result, failure }: Outcome): string {
  const head = `### ${name}\n\n${title}\n`;
  if (result === undefined) return `${head}\nFailed after ${seconds.toFixed(0)} s: ${failure ?? 'no result'}\n`;
  const remarks = (result.remarks ?? []).map((remark) => `\n- ${remark}`).join('');
  return `${head}\n${markdownTable(HEADINGS, result.figures.map(row))}\n${remarks === '' ? '' : `${remarks}\n`}`;
}

/** The report for people, as Markdown. */
export function markdownOf(report: Report): string {
  const { cpu, cores, memoryGiB, kernel, node } = report.machine;
  const where = `${report.date}: ${cores} cores (${cpu}), ${memoryGiB} GiB, Linux ${kernel}, Node.js ${node}.`;
  return [where, ...report.benchmarks.map(section)].join('\n\n');
}

/** The report for programs: each figure with its values and what is made of them. */
export function jsonOf(report: Report): string {
  const benchmarks = report.benchmarks.map(({ result, ...outcome }) => ({
    ...outcome,
    ...(result === undefined
      ? {}
      : { remarks: result.remarks ?? [], figures: result.figures.map((of) => ({ ...of, summary: summaryOf(of) })) }),
  }));
  return `${JSON.stringify({ ...report, benchmarks }, null, 2)}\n`;
}
