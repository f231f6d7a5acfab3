import { type DestinationStream, type Logger, pino } from 'pino';

/** Field names whose values never reach a log line; what is not a secret must not be logged under one of them. */
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
export function createLogger(level: string, destination: DestinationStream = pino.destination(2)): Logger {
  const paths = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]);
  return pino({ level, base: null, redact: { paths, censor: '[redacted]' } }, destination);
}
