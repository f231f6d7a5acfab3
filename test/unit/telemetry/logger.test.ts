import { expect, test } from 'vitest';
import { createLogger } from '../../../src/telemetry/logger.ts';

test.each(['token', 'authorization', 'key', 'privateKey', 'password', 'secret', 'cert'])(
  'the field %s never reaches a log line, at the top or within an object',
  (field) => {
    const lines: string[] = [];
    const logger = createLogger('info', { write: (line) => lines.push(line) });
    logger.info({ [field]: 'hush-hush', request: { [field]: 'hush-hush' }, headers: { [field]: 'hush-hush' } }, 'x');
    logger.child({ [field]: 'hush-hush' }).info('y');
    expect(lines).toHaveLength(2);
    expect(lines.join()).not.toContain('hush-hush');
    expect(lines[0]).toContain('[redacted]');
  },
);

test('what names the thing that failed is readable', () => {
  const lines: string[] = [];
  createLogger('info', { write: (line) => lines.push(line) }).info({ item: 'uid', cell: 'c', pod: 'p' }, 'x');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ item: 'uid', cell: 'c', pod: 'p' });
});
