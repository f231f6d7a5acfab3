import { expect, test } from 'vitest';
import { Attempts } from '../../../../providers/aws-ec2/launch/attempts.ts';
import { NodelessError } from '../../../../src/core/errors.ts';

const refused = (code: NodelessError['code']) => new NodelessError({ code, message: 'refused' });

test.each([
  ['a deadline', new DOMException('it took too long', 'TimeoutError')],
  ['no answer', refused('AmbiguousOutcome')],
  ['a fault of our own', new TypeError('no function')],
])('after %s a launch is asked for by the client token of before', (_what, reason) => {
  const attempts = new Attempts();
  attempts.lacked('a');
  attempts.threw('a', reason);
  expect(attempts.of('a')).toBe(1);
});

test('after a definite refusal a launch is asked for by another client token', () => {
  const attempts = new Attempts();
  attempts.threw('a', refused('Throttled'));
  attempts.lacked('a');
  expect([attempts.of('a'), attempts.of('b')]).toEqual([2, 0]);
});

test('launches that brought their machines are forgotten, as are the oldest of very many', () => {
  const attempts = new Attempts();
  attempts.lacked('a');
  attempts.succeeded('a');
  expect(attempts.of('a')).toBe(0);
  attempts.lacked('old');
  for (let index = 0; index < 10_000; index += 1) attempts.lacked(`launch-${index}`);
  expect(attempts.of('old')).toBe(0);
});
