import { pino } from 'pino';
import { Registry } from 'prom-client';
import { clusterPaths, readRecord } from '../../src/local-cluster/state.ts';
import { bundleOf } from '../../webhooks/certificates/certificate-set.ts';
import { perform } from '../../webhooks/certificates/perform.ts';
import { createWebhookMetrics } from '../../webhooks/server/metrics.ts';
import { startWebhookServer } from '../../webhooks/server/webhook-server.ts';

interface OtherWebhook {
  /** Its configuration, to be applied; it is asked after ours, for its name comes later. */
  readonly configuration: object;
  stop(): Promise<void>;
}

/** Somebody else's mutating webhook: it gives pods with the label `sidecar` a folder of their host. */
export async function otherWebhook(clusterName: string): Promise<OtherWebhook> {
  const { hostAddress: host = '' } = (await readRecord(clusterPaths({ name: clusterName }))) ?? {};
  const set = await perform({ do: 'begin' }, undefined, [host], Date.now());
  const { certPem: cert = '', keyPem: key = '' } = set?.serving ?? {};
  const registry = new Registry();
  const value = { name: 'logs', hostPath: { path: '/var/log' } };
  const server = await startWebhookServer({
    ...{ host, port: 0, serving: { cert, key }, registry, metrics: createWebhookMetrics(registry) },
    ...{ logger: pino({ level: 'silent' }), isReady: () => true },
    webhooks: { '/mutate': () => ({ allowed: true, patch: [{ op: 'add', path: '/spec/volumes/-', value }] }) },
  });
  const rules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }];
  const configuration = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: 'zz-sidecars.example.com' },
    webhooks: [
      {
        name: 'sidecars.example.com',
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        failurePolicy: 'Fail',
        clientConfig: {
          url: `https://${host}:${server.port}/mutate`,
          caBundle: Buffer.from(set === undefined ? '' : bundleOf(set)).toString('base64'),
        },
        objectSelector: { matchLabels: { sidecar: 'wanted' } },
        rules,
      },
    ],
  };
  return { configuration, stop: () => server.stop() };
}
