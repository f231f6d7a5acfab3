import { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import type { JsonGeneralName } from '@peculiar/x509';

/** Of every key, and of every signature with one. */
export const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** A new P-256 key, held in memory only. */
export function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

/** A private key as PKCS #8 PEM, with a final newline. */
export async function keyToPem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64');
  const lines = der.match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`;
}

/** A key to sign with. @throws whatever WebCrypto throws for a key that is not PKCS #8 P-256 */
export async function keyFromPem(pem: string): Promise<webcrypto.CryptoKey> {
  const base64 = pem.replace(/-----[^-]+-----/g, '').replace(/\s/g, '');
  return webcrypto.subtle.importKey('pkcs8', Buffer.from(base64, 'base64'), ALGORITHM, false, ['sign']);
}

/** IP addresses and DNS names, as a certificate names them. */
export function generalNames(hosts: readonly string[]): JsonGeneralName[] {
  return hosts.map((value): JsonGeneralName => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value }));
}
