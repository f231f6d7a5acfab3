import { stringify } from 'yaml';
import type { KeyPair } from './authority.ts';

export interface KubeconfigOptions {
  readonly cluster: string;
  readonly user: string;
  readonly server: string;
  readonly caCertificate: string;
  readonly client: KeyPair;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** A kubeconfig (YAML) with everything embedded, so that it works wherever it is copied to. */
export function kubeconfig(options: KubeconfigOptions): string {
  const { cluster, user } = options;
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: cluster,
        cluster: { server: options.server, 'certificate-authority-data': base64(options.caCertificate) },
      },
    ],
    users: [
      {
        name: user,
        user: {
          'client-certificate-data': base64(options.client.certificate),
          'client-key-data': base64(options.client.key),
        },
      },
    ],
    contexts: [{ name: cluster, context: { cluster, user } }],
    'current-context': cluster,
  });
}
