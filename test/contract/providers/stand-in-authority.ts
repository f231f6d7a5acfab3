import 'reflect-metadata';
import { createHash, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** A certificate authority for tests: issues its own server's certificate, and signs whatever it is asked to. */
export interface StandInAuthority {
  readonly caPem: string;
  serverCertificate(addresses: readonly string[]): Promise<{ readonly cert: string; readonly key: string }>;
  /** Signs a CSR (PEM), and tells the fingerprint of its key as `BootstrapEvidence` wants it. */
  sign(csrPem: string, usage: 'client' | 'server'): Promise<{ readonly certPem: string; readonly fingerprint: string }>;
}

export async function createStandInAuthority(): Promise<StandInAuthority> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const notBefore = new Date(Date.now() - 60_000);
  const notAfter = new Date(Date.now() + 86_400_000);
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=stand-in',
    keys,
    notBefore,
    notAfter,
    signingAlgorithm: ALGORITHM,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  });
  const issue = (options: {
    readonly subject: x509.Name | string;
    readonly publicKey: x509.PublicKeyType;
    readonly usage: 'client' | 'server';
    readonly addresses?: readonly string[];
    /** Of a request: a kubelet asks again and again for what its certificate lacks. */
    readonly extensions?: readonly x509.Extension[];
  }) =>
    x509.X509CertificateGenerator.create({
      subject: typeof options.subject === 'string' ? options.subject : options.subject.toString(),
      issuer: ca.subject,
      publicKey: options.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: ALGORITHM,
      notBefore,
      notAfter,
      extensions: [
        new x509.ExtendedKeyUsageExtension([
          options.usage === 'client' ? x509.ExtendedKeyUsage.clientAuth : x509.ExtendedKeyUsage.serverAuth,
        ]),
        ...(options.addresses === undefined
          ? []
          : [new x509.SubjectAlternativeNameExtension(options.addresses.map((value) => ({ type: 'ip', value })))]),
        ...(options.extensions ?? []),
      ],
    });
  return {
    caPem: ca.toString('pem'),
    async serverCertificate(addresses) {
      const own = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
      const certificate = await issue({
        subject: 'CN=stand-in-server',
        publicKey: own.publicKey,
        usage: 'server',
        addresses,
      });
      const key = await webcrypto.subtle.exportKey('pkcs8', own.privateKey);
      return { cert: certificate.toString('pem'), key: x509.PemConverter.encode(key, 'PRIVATE KEY') };
    },
    async sign(csrPem, usage) {
      const request = new x509.Pkcs10CertificateRequest(csrPem);
      if (!(await request.verify())) throw new Error('the CSR is not signed by its own key');
      const { subjectName: subject, publicKey, extensions } = request;
      const certificate = await issue({ subject, publicKey, usage, extensions });
      const fingerprint = createHash('sha256').update(Buffer.from(request.publicKey.rawData)).digest('hex');
      return { certPem: certificate.toString('pem'), fingerprint };
    },
  };
}
