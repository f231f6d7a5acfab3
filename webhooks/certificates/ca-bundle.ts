import { call } from '../../src/kube/calls.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import type { KubeObject } from '../../src/kube/objects.ts';

const GROUP = '/apis/admissionregistration.k8s.io/v1';

/** Where the configurations of webhooks are, by kind. */
export const CONFIGURATION_PATHS = {
  mutating: `${GROUP}/mutatingwebhookconfigurations`,
  validating: `${GROUP}/validatingwebhookconfigurations`,
} as const;

interface ClientConfig {
  caBundle?: string;
  url?: string;
  /** Instead of a URL. */
  service?: { readonly name: string; readonly namespace: string };
}

/** The configuration of some webhooks, as far as it is ours to patch. */
export interface WebhookConfiguration extends KubeObject {
  webhooks?: { name: string; clientConfig: ClientConfig }[];
}

/** The webhooks of a configuration whose callers trust something else, by name. */
export function distrusting({ webhooks = [] }: WebhookConfiguration, bundlePem: string): readonly string[] {
  const wanted = Buffer.from(bundlePem).toString('base64');
  return webhooks.filter(({ clientConfig }) => clientConfig.caBundle !== wanted).map(({ name }) => name);
}

/** Whether the callers of every one of its webhooks trust an authority, whatever else they trust. */
export function isTrustedBy({ webhooks = [] }: WebhookConfiguration, certPem: string): boolean {
  const bundleOf = ({ caBundle = '' }: { caBundle?: string }) => Buffer.from(caBundle, 'base64').toString();
  return webhooks.every(({ clientConfig }) => bundleOf(clientConfig).includes(certPem.trim()));
}

/** Tells the API server what to trust. A configuration that was changed meanwhile is refused with 409. */
export async function patchBundle(
  client: KubeClient,
  path: string,
  configuration: WebhookConfiguration,
  bundlePem: string,
  signal: AbortSignal,
): Promise<void> {
  const caBundle = Buffer.from(bundlePem).toString('base64');
  const { name, resourceVersion } = configuration.metadata;
  await call(client, {
    method: 'PATCH',
    path: `${path}/${name}`,
    contentType: 'application/strategic-merge-patch+json',
    query: { fieldManager: 'nodeless' },
    body: {
      metadata: { resourceVersion },
      webhooks: distrusting(configuration, bundlePem).map((webhook) => ({ name: webhook, clientConfig: { caBundle } })),
    },
    signal,
  });
}
