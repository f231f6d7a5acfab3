import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createAuthority } from '../../../src/local-cluster/pki/authority.ts';
import { kubeconfig } from '../../../src/local-cluster/pki/kubeconfig.ts';

describe('the authority', () => {
  it('signs certificates that carry the names asked for and verify against it', async () => {
    const authority = await createAuthority('kubernetes');
    const pair = await authority.issue({
      commonName: 'system:node:regular-1',
      organizations: ['system:nodes'],
      dnsNames: ['kubernetes.default.svc'],
      ipAddresses: ['10.96.0.1'],
      usage: 'both',
    });
    const certificate = new X509Certificate(pair.certificate);
    const ca = new X509Certificate(authority.certificate);
    expect(ca.ca).toBe(true);
    expect(certificate.ca).toBe(false);
    expect(certificate.verify(ca.publicKey)).toBe(true);
    expect(certificate.checkIssued(ca)).toBe(true);
    expect(certificate.subject).toBe('O=system:nodes\nCN=system:node:regular-1');
    expect(certificate.subjectAltName).toBe('DNS:kubernetes.default.svc, IP Address:10.96.0.1');
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
  });
});

describe('a kubeconfig', () => {
  it('holds everything itself and selects its only context', () => {
    const client = { certificate: 'CERTIFICATE', key: 'KEY' };
    const options = { cluster: 'c', user: 'u', server: 'https://10.201.0.2:6443', caCertificate: 'CA', client };
    const config = parse(kubeconfig(options));
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    expect(config['current-context']).toBe('c');
    expect(config.contexts).toEqual([{ name: 'c', context: { cluster: 'c', user: 'u' } }]);
    expect(config.clusters[0].cluster).toEqual({
      server: 'https://10.201.0.2:6443',
      'certificate-authority-data': base64('CA'),
    });
    expect(config.users[0].user).toEqual({
      'client-certificate-data': base64('CERTIFICATE'),
      'client-key-data': base64('KEY'),
    });
  });
});
