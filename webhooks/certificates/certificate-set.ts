import { X509Certificate } from 'node:crypto';

/** A certificate and its key, PEM. */
export interface Pair {
  readonly certPem: string;
  readonly keyPem: string;
}

/** All that the webhooks' Secret holds. */
export interface CertificateSet {
  /** The authority that signs, or is about to. */
  readonly current: Pair;
  /** The one before, as long as something may still trust or serve by it. */
  readonly previous?: Pair;
  /** Missing where somebody has taken it out: a way to have it renewed. */
  readonly serving?: Pair;
}

/** The data of the Secret, not yet in base64. */
export type SecretData = Readonly<Record<string, string>>;

/** Which keys of the Secret hold which pair; `ca.crt` and `tls.*` are where people look. */
const KEYS = {
  current: ['ca.crt', 'ca.key'],
  previous: ['previous-ca.crt', 'previous-ca.key'],
  serving: ['tls.crt', 'tls.key'],
} as const;

function pairAt(data: SecretData, [cert, key]: readonly [string, string]): Pair | undefined {
  const { [cert]: certPem, [key]: keyPem } = data;
  return certPem === undefined || keyPem === undefined ? undefined : { certPem, keyPem };
}

function isCertificate({ certPem }: Pair): boolean {
  try {
    new X509Certificate(certPem);
    return true;
  } catch {
    return false;
  }
}

/** Reads a Secret, without what is no certificate; undefined where it has no authority. */
export function readSet(data: SecretData): CertificateSet | undefined {
  const pairs = Object.entries(KEYS).flatMap(([name, keys]) => {
    const pair = pairAt(data, keys);
    return pair !== undefined && isCertificate(pair) ? [[name, pair] as const] : [];
  });
  const { current, ...others } = Object.fromEntries(pairs) as { [name in keyof typeof KEYS]?: Pair };
  return current && { current, ...others };
}

/** The inverse. */
export function dataOf(set: CertificateSet): SecretData {
  const entries = Object.entries(KEYS).flatMap(([name, [cert, key]]) => {
    const pair = set[name as keyof CertificateSet];
    return pair === undefined
      ? []
      : [
          [cert, pair.certPem],
          [key, pair.keyPem],
        ];
  });
  return Object.fromEntries(entries);
}

/** PEM of every authority that callers have to trust now. */
export function bundleOf({ current, previous }: CertificateSet): string {
  return current.certPem + (previous?.certPem ?? '');
}
