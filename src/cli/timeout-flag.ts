import { InvalidArgumentError, Option } from 'commander';
import { durationField } from '../core/duration-field.ts';

function timeoutOf(text: string): number {
  const { success, data } = durationField.safeParse(text);
  if (success) return data;
  throw new InvalidArgumentError('is no duration such as 40s or 5m');
}

/** `--timeout`, in milliseconds; help shows its default as one would write it. */
export function timeoutOption(description: string): Option {
  return new Option('--timeout <duration>', description).argParser(timeoutOf).default(timeoutOf('5m'), '5m');
}
