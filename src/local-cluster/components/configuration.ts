import { stringify } from 'yaml';
import { POD_CIDR } from '../network/addresses.ts';
import { kubeconfigPath } from '../pki/cluster-pki.ts';
import type { ClusterPaths } from '../state.ts';
import { DNS_READY_PORT, PROXY_HEALTH_PORT } from './command-lines.ts';

/** The node that kube-proxy takes itself to run on; it exists only while kube-proxy starts. */
export const PROXY_NODE = 'nodeless-service-proxy';

/** Configuration of kube-scheduler (YAML), with the limits of a client that binds 1,000 pods at once. */
export function schedulerConfiguration(paths: ClusterPaths): string {
  return stringify({
    apiVersion: 'kubescheduler.config.k8s.io/v1',
    kind: 'KubeSchedulerConfiguration',
    clientConnection: { kubeconfig: kubeconfigPath(paths, 'scheduler'), qps: 1000, burst: 2000 },
    leaderElection: { leaderElect: false },
  });
}

/** Configuration of kube-proxy (YAML): Services for everything that is routed through the cluster's namespace. */
export function proxyConfiguration(paths: ClusterPaths): string {
  return stringify({
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'iptables',
    clusterCIDR: POD_CIDR,
    hostnameOverride: PROXY_NODE,
    clientConnection: { kubeconfig: kubeconfigPath(paths, 'kube-proxy') },
    healthzBindAddress: `0.0.0.0:${PROXY_HEALTH_PORT}`,
    metricsBindAddress: '0.0.0.0:10249',
    iptables: { minSyncPeriod: '100ms', syncPeriod: '30s' },
    // These would change the whole machine.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  });
}

/** CoreDNS's Corefile; names outside the cluster are asked for only where packets may leave. */
export function corefile(paths: ClusterPaths, options: { readonly outbound: boolean }): string {
  return `.:53 {
    errors
    health 127.0.0.1:8080
    ready :${DNS_READY_PORT}
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        kubeconfig ${kubeconfigPath(paths, 'coredns')}
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 5
    }
${options.outbound ? '    forward . /etc/resolv.conf\n    loop\n' : ''}    cache 5
    loadbalance
}
`;
}
