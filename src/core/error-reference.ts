import { ERROR_CODES } from './errors.ts';

/** docs/errors.md: every error code with its meaning. */
export function errorReference(): string {
  return [
    '# Errors',
    '',
    'Every error that Nodeless raises on purpose has one of these codes. It is in the message on the command line, in the',
    'reason of events and conditions, and in the field `code` of logs. Codes are stable; messages are for people.',
    '',
    '| code | meaning |',
    '|---|---|',
    ...Object.entries(ERROR_CODES).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`),
    '',
  ].join('\n');
}
