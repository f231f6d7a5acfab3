import { describe, expect, test } from 'vitest';
import { installObjects } from '../../../src/install/objects.ts';
import type { InstallOptions } from '../../../src/install/options.ts';
import { undoneBy } from '../../../src/install/undoing.ts';

const URL_FLAG = { webhookUrl: 'https://10.0.0.5:9443' };

async function undone(before: Partial<InstallOptions>, after: Partial<InstallOptions>): Promise<readonly string[]> {
  const objects = (options: Partial<InstallOptions>) =>
    installObjects({ virtualNode: 'n', namespace: 'nodeless-system', ...options });
  return undoneBy(await objects(before), await objects(after));
}

describe('an installation after another', () => {
  test.each([
    [{}, {}],
    [URL_FLAG, URL_FLAG],
    [URL_FLAG, { webhookUrl: 'https://10.0.0.5:9443/' }],
    [{ zones: ['a'] }, { zones: ['b', 'a'] }],
    [URL_FLAG, { webhooks: false }],
    [{ webhooks: false }, URL_FLAG],
  ])('takes back nothing: %j, then %j', async (before, after) => {
    expect(await undone(before, after)).toEqual([]);
  });

  test.each([
    [
      URL_FLAG,
      {},
      'the webhooks are called at the Service nodeless-system/nodeless-n instead of https://10.0.0.5:9443',
    ],
    [
      {},
      URL_FLAG,
      'the webhooks are called at https://10.0.0.5:9443 instead of the Service nodeless-system/nodeless-n',
    ],
    [
      URL_FLAG,
      { webhookUrl: 'https://10.0.0.6:9443' },
      'the webhooks are called at https://10.0.0.6:9443 instead of https://10.0.0.5:9443',
    ],
    [{ zones: ['a', 'b'] }, { zones: ['a'] }, 'the virtual node n-b loses its grants'],
    [{ zones: ['a'] }, {}, 'the virtual node n-a loses its grants'],
    [{}, { zones: ['a'] }, 'the virtual node n loses its grants'],
  ])('says what it takes back, once: %j, then %j', async (before, after, line) => {
    expect(await undone(before, after)).toEqual([line]);
  });
});
