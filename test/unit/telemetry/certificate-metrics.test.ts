import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { createAuthorityPair } from '../../../src/pki/certificates.ts';
import { showExpiry } from '../../../src/telemetry/certificate-metrics.ts';
import { samplesOf } from '../../support/samples.ts';

test('a certificate is shown until when it is good, and the next one in its place', async () => {
  const registry = new Registry();
  for (const nowMs of [Date.UTC(2026, 0, 1), Date.UTC(2027, 0, 1)]) {
    const { certPem, notAfterMs } = await createAuthorityPair('x', nowMs);
    showExpiry(registry)('x', certPem);
    expect(await samplesOf(registry, 'nodeless_certificate_expiration_timestamp_seconds')).toEqual({
      'certificate=x': notAfterMs / 1_000,
    });
  }
});
