import { describe, expect, test } from 'vitest';
import { disclosures } from '../../support/disclosure.ts';

const secret = 'canary-4f1d7a90c2';

function found(text: string, value = secret): readonly string[] {
  return disclosures({ word: value }, { log: text });
}

describe('a secret is found', () => {
  test('as it is', () => {
    expect(found(`a ${secret} b`)).toEqual(['word in log']);
  });

  test.each(['', 'u', 'us', 'user:'])('in base64, behind "%s"', (before) => {
    const once = Buffer.from(`${before}${secret}:after`).toString('base64');
    expect(found(`x ${once} y`)).toEqual(['word in log']);
    const twice = Buffer.from(`{"auth":"${once}"}`).toString('base64');
    expect(found(twice)).toEqual(['word in log']);
  });

  test('by one line of a PEM', () => {
    const pem =
      '-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg\nshort\n-----END PRIVATE KEY-----\n';
    expect(found('..MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg..', pem)).toEqual(['word in log']);
    expect(found('-----BEGIN PRIVATE KEY-----', pem)).toEqual([]);
  });
});

test('what is no secret discloses none', () => {
  expect(found(`canary-4f1d7a90 ${Buffer.from('canary').toString('base64')}`)).toEqual([]);
});
