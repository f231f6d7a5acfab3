import { InvalidArgumentError } from 'commander';
import { durationField } from '../core/duration-field.ts';

/** A duration that a flag says, in milliseconds. */
export function timeoutOf(text: string): number {
  const { success, data } = durationField.safeParse(text);
  if (success) return data;
  throw new InvalidArgumentError('is no duration such as 40s or 5m');
}
