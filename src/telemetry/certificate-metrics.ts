import { X509Certificate } from 'node:crypto';
import type { Registry } from 'prom-client';
import { gaugeIn } from './metrics.ts';

/** Gives what shows until when a certificate is good, under a name of ours, whenever there is a new one. */
export function showExpiry(registry: Registry): (certificate: string, certPem: string) => void {
  const expiry = gaugeIn(registry, {
    name: 'nodeless_certificate_expiration_timestamp_seconds',
    help: 'Until when each certificate of ours is good, in seconds since the epoch: kubelet-endpoint, cell-authority, provider-client; on replicas webhooks.',
    labelNames: ['certificate'],
  });
  return (certificate, certPem) =>
    expiry.set({ certificate }, Date.parse(new X509Certificate(certPem).validTo) / 1_000);
}
