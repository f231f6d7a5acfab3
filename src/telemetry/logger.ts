import { type Logger, pino } from 'pino';

/** Field names whose values never reach a log line. */
const SECRET_FIELDS = [
  'token',
  'authorization',
  'key',
  'privateKey',
  'cert',
  'password',
  'secret',
  'headers.authorization',
];

/** A JSON logger to standard error, with secrets redacted at the sink. */
export function createLogger(level: string, destination = pino.destination(2)): Logger {
  const paths = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]);
  return pino({ level, base: null, redact: { paths, censor: '[redacted]' } }, destination);
}
