import { join } from 'node:path';
import { KUBERNETES_SERVICE_ADDRESS } from '../network/addresses.ts';
import { type ClusterPaths, writePrivate } from '../state.ts';
import { type Authority, createAuthority, createSigningKey, type KeyPair } from './authority.ts';
import { kubeconfig } from './kubeconfig.ts';

/** Who gets a kubeconfig, and what the API server takes them for. */
const IDENTITIES = {
  admin: { commonName: 'nodeless:local-admin', organizations: ['system:masters'] },
  'controller-manager': { commonName: 'system:kube-controller-manager' },
  scheduler: { commonName: 'system:kube-scheduler' },
  'kube-proxy': { commonName: 'system:kube-proxy' },
  coredns: { commonName: 'nodeless:coredns' },
  'regular-1': { commonName: 'system:node:regular-1', organizations: ['system:nodes'] },
} as const;

export type Identity = keyof typeof IDENTITIES;
export const IDENTITY_NAMES = Object.keys(IDENTITIES) as readonly Identity[];

/** Paths of the cluster's keys and certificates. */
export function pkiFiles(paths: ClusterPaths) {
  const at = (name: string) => join(paths.pkiDir, name);
  return {
    caCertificate: at('ca.crt'),
    caKey: at('ca.key'),
    apiServerCertificate: at('apiserver.crt'),
    apiServerKey: at('apiserver.key'),
    kubeletClientCertificate: at('apiserver-kubelet-client.crt'),
    kubeletClientKey: at('apiserver-kubelet-client.key'),
    frontProxyCaCertificate: at('front-proxy-ca.crt'),
    frontProxyClientCertificate: at('front-proxy-client.crt'),
    frontProxyClientKey: at('front-proxy-client.key'),
    serviceAccountPrivateKey: at('sa.key'),
    serviceAccountPublicKey: at('sa.pub'),
  };
}

/** Path of an identity's kubeconfig. */
export function kubeconfigPath(paths: ClusterPaths, identity: Identity): string {
  return join(paths.kubeconfigDir, `${identity}.yaml`);
}

function issueApiServer(ca: Authority, address: string): Promise<KeyPair> {
  return ca.issue({
    commonName: 'kube-apiserver',
    dnsNames: [
      ...['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local'],
      'localhost',
    ],
    ipAddresses: [KUBERNETES_SERVICE_ADDRESS, '127.0.0.1', address],
    usage: 'server',
  });
}

/**
 * Makes every key, certificate and kubeconfig of a cluster whose API server is at `address`.
 * The cluster's authority also signs what kubelets serve with (signer kubernetes.io/kubelet-serving).
 */
export async function createPki(paths: ClusterPaths, address: string, server: string): Promise<void> {
  const [ca, frontProxyCa, serviceAccounts] = await Promise.all([
    createAuthority('kubernetes'),
    createAuthority('front-proxy-ca'),
    createSigningKey(),
  ]);
  const [apiServer, kubeletClient, frontProxyClient] = await Promise.all([
    issueApiServer(ca, address),
    ca.issue({ commonName: 'kube-apiserver-kubelet-client', organizations: ['system:masters'], usage: 'client' }),
    frontProxyCa.issue({ commonName: 'front-proxy-client', usage: 'client' }),
  ]);
  const files = pkiFiles(paths);
  const contents: readonly (readonly [path: string, content: string])[] = [
    [files.caCertificate, ca.certificate],
    [files.caKey, ca.key],
    [files.apiServerCertificate, apiServer.certificate],
    [files.apiServerKey, apiServer.key],
    [files.kubeletClientCertificate, kubeletClient.certificate],
    [files.kubeletClientKey, kubeletClient.key],
    [files.frontProxyCaCertificate, frontProxyCa.certificate],
    [files.frontProxyClientCertificate, frontProxyClient.certificate],
    [files.frontProxyClientKey, frontProxyClient.key],
    [files.serviceAccountPrivateKey, serviceAccounts.privateKey],
    [files.serviceAccountPublicKey, serviceAccounts.publicKey],
  ];
  const kubeconfigs = IDENTITY_NAMES.map(async (identity) => {
    const client = await ca.issue({ ...IDENTITIES[identity], usage: 'client' });
    const cluster = `nodeless-${paths.name}`;
    const options = { cluster, user: `${identity}@${cluster}`, server, caCertificate: ca.certificate, client };
    await writePrivate(kubeconfigPath(paths, identity), kubeconfig(options));
  });
  await Promise.all([...contents.map(([path, content]) => writePrivate(path, content)), ...kubeconfigs]);
}
