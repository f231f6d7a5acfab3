/** The authority of an API server's certificate: itself, PEM in base64, or the path of its file. */
type Authority = { readonly 'certificate-authority-data': string } | { readonly 'certificate-authority': string };

/** Where a kubelet finds the API server, and its certificate. */
export interface RotatedKubeconfigOptions {
  /** https URL. */
  readonly server: string;
  readonly authority: Authority;
  /** Path of the certificate and key, which the kubelet renews by itself. */
  readonly pair: string;
}

/** The kubeconfig that a kubelet writes when it bootstraps by itself: it names the certificate that it will rotate. */
export function rotatedKubeconfig({ server, authority, pair }: RotatedKubeconfigOptions): string {
  return JSON.stringify({
    kind: 'Config',
    apiVersion: 'v1',
    clusters: [{ name: 'default-cluster', cluster: { server, ...authority } }],
    users: [{ name: 'default-auth', user: { 'client-certificate': pair, 'client-key': pair } }],
    contexts: [{ name: 'default-context', context: { cluster: 'default-cluster', user: 'default-auth' } }],
    'current-context': 'default-context',
  });
}
