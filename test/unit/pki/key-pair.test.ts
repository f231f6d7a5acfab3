import { createPrivateKey, webcrypto } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ALGORITHM, generalNames, keyFromPem, keyToPem, newKeys } from '../../../src/pki/key-pair.ts';

describe('a key', () => {
  test('as PEM is one that others read, and signs what its public key verifies', async () => {
    const keys = await newKeys();
    const pem = await keyToPem(keys.privateKey);
    expect(createPrivateKey(pem).asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    expect(pem.endsWith('-----END PRIVATE KEY-----\n')).toBe(true);
    expect(Math.max(...pem.split('\n').map((line) => line.length))).toBeLessThanOrEqual(64);
    const data = Buffer.from('data');
    const signature = await webcrypto.subtle.sign(ALGORITHM, await keyFromPem(pem), data);
    expect(await webcrypto.subtle.verify(ALGORITHM, keys.publicKey, signature, data)).toBe(true);
  });
});

describe('names of a certificate', () => {
  test('are told apart: addresses of both families, and DNS names', () => {
    expect(generalNames(['10.0.0.1', 'fd00::1', 'node.example']).map(({ type }) => type)).toEqual(['ip', 'ip', 'dns']);
  });
});
