import { describe, expect, test } from 'vitest';
import { checkFlags } from '../../../src/cli/install-flags.ts';

const FLAGS = { virtualNode: 'nodeless', namespace: 'nodeless-system' };

describe('the flags of nodeless install', () => {
  test.each([
    {},
    { zones: ['a', 'b'] },
    { webhookUrl: 'https://10.0.0.5:9443' },
    { webhookUrl: 'https://nodeless.example/hooks/' },
    { webhooks: false },
  ])('%j are taken', (flags) => {
    expect(() => checkFlags({ ...FLAGS, ...flags })).not.toThrow();
  });

  test.each([
    [{ zones: ['a', 'a'] }, 'names a zone twice'],
    [{ zones: ['A b'] }, 'a zone is lower-case letters'],
    [{ zones: [''] }, 'a zone is lower-case letters'],
    [{ zones: ['a'.repeat(60)] }, 'is longer than 63 characters'],
    [{ virtualNode: 'Foo_' }, 'a node name is lower-case letters'],
    [{ namespace: 'My Space' }, 'a namespace is lower-case letters'],
    [{ webhookUrl: 'foo' }, '--webhook-url is an https URL'],
    [{ webhookUrl: 'http://10.0.0.5' }, '--webhook-url is an https URL'],
    [{ webhookUrl: 'https://me@10.0.0.5' }, '--webhook-url has no user'],
    [{ webhookUrl: 'https://10.0.0.5/?a=b' }, '--webhook-url has no user, query'],
    [{ webhookUrl: 'https://10.0.0.5', webhooks: false }, '--webhook-url and --no-webhooks exclude each other'],
  ])('%j are refused with what is wrong', (flags, message) => {
    const check = () => checkFlags({ ...FLAGS, ...flags });
    expect(check).toThrow(expect.objectContaining({ code: 'ConfigInvalid' }));
    expect(check).toThrow(message);
  });
});
