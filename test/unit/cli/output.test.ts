import { Command } from 'commander';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { formatted, outputOption } from '../../../src/cli/output.ts';

const TEXTS = { text: () => 'for people\n' };

test('what is told to people is a text, and to programs the value itself', () => {
  const value = { a: [1, 'x'] };
  expect(formatted(value, 'text', TEXTS)).toBe('for people\n');
  expect(JSON.parse(formatted(value, 'json', TEXTS))).toEqual(value);
  expect(parse(formatted(value, 'yaml', TEXTS))).toEqual(value);
});

test('a format that there is not is refused, and the first is the default', () => {
  const command = () =>
    new Command()
      .exitOverride()
      .configureOutput({ writeErr: () => undefined })
      .addOption(outputOption('table', 'wide'));
  expect(command().parse([], { from: 'user' }).opts()).toEqual({ output: 'table' });
  expect(command().parse(['-o', 'yaml'], { from: 'user' }).opts()).toEqual({ output: 'yaml' });
  expect(() => command().parse(['-o', 'xml'], { from: 'user' })).toThrow(/Allowed choices are table, wide, json, yaml/);
});
