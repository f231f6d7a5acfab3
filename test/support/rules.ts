import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';

/** A rule for Prometheus as people load it. */
export interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

const FILE = new URL('../../deploy/monitoring/rules.yaml', import.meta.url);
const WORDS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'by', 'without', 'on', 'ignoring']);

/** What is no series in PromQL: texts, matchers, ranges, and lists of labels. */
const NO_SERIES = [
  /"(?:[^"\\]|\\.)*"/g,
  /\{[^}]*\}/g,
  /\[[^\]]*\]/g,
  /\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g,
];

/** The text of the file that Prometheus loads. */
export function rulesText(): Promise<string> {
  return readFile(FILE, 'utf8');
}

/** Its rules, group after group. */
export async function rules(): Promise<readonly Rule[]> {
  const { groups } = parse(await rulesText()) as { groups: readonly { rules: readonly Rule[] }[] };
  return groups.flatMap((group) => group.rules);
}

/** The series that a query in PromQL asks for, each once. */
export function seriesIn(expr: string): readonly string[] {
  const bare = NO_SERIES.reduce((text, pattern) => text.replaceAll(pattern, ' '), expr);
  const names = [...bare.matchAll(/(?<![\w.:])([a-zA-Z_:][\w:]*)(?!\s*\(|[\w:])/g)].map(([, name = '']) => name);
  return [...new Set(names.filter((name) => !WORDS.has(name)))];
}
