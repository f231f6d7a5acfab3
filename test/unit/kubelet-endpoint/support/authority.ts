import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const HOUR = 3_600_000;

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  readonly pem: string;
  issue(options: { cn: string; o?: string[]; ip?: string; notAfterMs?: number }): Promise<Pair>;
  /** Signs what a request asks for. */
  sign(csrPem: string): Promise<string>;
}

async function keyPem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64');
  return `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`;
}

let serial = 1;

/** A certificate authority for tests. */
export async function newAuthority(name: string): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const ca = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(Date.now() - HOUR),
    notAfter: new Date(Date.now() + HOUR),
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
  });
  return {
    async sign(csrPem) {
      const csr = new Pkcs10CertificateRequest(csrPem);
      const certificate = await X509CertificateGenerator.create({
        ...{ serialNumber: '77', subject: csr.subject, issuer: ca.subject, publicKey: csr.publicKey },
        ...{ signingKey: keys.privateKey, signingAlgorithm: ALGORITHM, extensions: csr.extensions },
        notBefore: new Date(Date.now() - HOUR),
        notAfter: new Date(Date.now() + HOUR),
      });
      return certificate.toString('pem');
    },
    pem: ca.toString('pem'),
    async issue({ cn, o = [], ip, notAfterMs = Date.now() + HOUR }) {
      const own = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
      const certificate = await X509CertificateGenerator.create({
        serialNumber: String(serial++).padStart(4, '0'),
        subject: [{ O: o }, { CN: [cn] }].filter((part) => Object.values(part).flat().length > 0) as never,
        issuer: ca.subject,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: ALGORITHM,
        notBefore: new Date(Date.now() - HOUR),
        notAfter: new Date(notAfterMs),
        extensions: [
          new ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']),
          ...(ip === undefined ? [] : [new SubjectAlternativeNameExtension([{ type: 'ip', value: ip }])]),
        ],
      });
      return { cert: certificate.toString('pem'), key: await keyPem(own.privateKey) };
    },
  };
}
