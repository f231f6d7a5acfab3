import { Option } from 'commander';
import { stringify } from 'yaml';

/** What programs read. */
export type Structured = 'json' | 'yaml';

/** The option `-o`: a command's own formats, the first of them unless told otherwise, and what programs read. */
export function outputOption(...own: readonly [string, ...string[]]): Option {
  return new Option('-o, --output <format>', 'how to tell it').choices([...own, 'json', 'yaml']).default(own[0]);
}

/** A value in a format: by the text of that name, or as programs read it. */
export function formatted<Own extends string>(
  value: unknown,
  format: NoInfer<Own> | Structured,
  texts: Readonly<Record<Own, () => string>>,
): string {
  if (format === 'json') return `${JSON.stringify(value, null, 2)}\n`;
  return format === 'yaml' ? stringify(value) : texts[format as Own]();
}
