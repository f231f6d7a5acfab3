import { join } from 'node:path';
import { POD_CIDR, SERVICE_CIDR } from '../network/addresses.ts';
import { kubeconfigPath, pkiFiles } from '../pki/cluster-pki.ts';
import type { ClusterPaths } from '../state.ts';

/** The ports of a control plane. */
export interface ControlPlanePorts {
  readonly apiServer: number;
  readonly etcd: number;
  readonly etcdPeer: number;
  readonly controllerManager: number;
  readonly scheduler: number;
}

/** Ports inside the cluster's namespace. */
export const NAMESPACE_PORTS: ControlPlanePorts = {
  apiServer: 6443,
  etcd: 2379,
  etcdPeer: 2380,
  controllerManager: 10257,
  scheduler: 10259,
};
export const API_SERVER_PORT = NAMESPACE_PORTS.apiServer;
export const PROXY_HEALTH_PORT = 10256;
export const DNS_READY_PORT = 8181;

/** The components of a control plane, in the order of their start. */
export const COMPONENTS = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kube-proxy',
  'coredns',
] as const;
export type Component = (typeof COMPONENTS)[number];

export interface CommandLineOptions {
  readonly paths: ClusterPaths;
  /** The namespace's address; 127.0.0.1 on loopback. */
  readonly address: string;
  /** The ports of a cluster that has no namespace of its own: everything then listens on loopback only. */
  readonly loopback?: ControlPlanePorts;
  /** Path of an audit policy; the log goes to logs/audit.log. */
  readonly auditPolicyFile?: string;
  /** More flags of the API server, as tests of its features need them. */
  readonly apiServerFlags?: readonly string[];
}

function portsOf({ loopback }: CommandLineOptions): ControlPlanePorts {
  return loopback ?? NAMESPACE_PORTS;
}

function etcd(options: CommandLineOptions): readonly string[] {
  const { paths } = options;
  const ports = portsOf(options);
  const client = `http://127.0.0.1:${ports.etcd}`;
  const peer = `http://127.0.0.1:${ports.etcdPeer}`;
  return [
    join(paths.binDir, 'etcd'),
    `--data-dir=${paths.etcdDir}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    // The data is thrown away with the cluster.
    '--unsafe-no-fsync',
    '--auto-compaction-retention=5m',
    `--quota-backend-bytes=${4 * 2 ** 30}`,
    '--logger=zap',
    '--log-level=warn',
  ];
}

function apiServer(options: CommandLineOptions): readonly string[] {
  const { paths, address } = options;
  const ports = portsOf(options);
  const pki = pkiFiles(paths);
  // The Service `kubernetes` can't have a loopback address for its endpoint; there, it has none.
  const loopback =
    options.loopback === undefined ? [] : ['--bind-address=127.0.0.1', '--endpoint-reconciler-type=none'];
  const audit =
    options.auditPolicyFile === undefined
      ? []
      : [`--audit-policy-file=${options.auditPolicyFile}`, `--audit-log-path=${join(paths.logDir, 'audit.log')}`];
  return [
    join(paths.binDir, 'kube-apiserver'),
    `--advertise-address=${address}`,
    `--secure-port=${ports.apiServer}`,
    `--etcd-servers=http://127.0.0.1:${ports.etcd}`,
    ...loopback,
    `--service-cluster-ip-range=${SERVICE_CIDR}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--allow-privileged=true',
    `--client-ca-file=${pki.caCertificate}`,
    `--tls-cert-file=${pki.apiServerCertificate}`,
    `--tls-private-key-file=${pki.apiServerKey}`,
    `--kubelet-certificate-authority=${pki.caCertificate}`,
    `--kubelet-client-certificate=${pki.kubeletClientCertificate}`,
    `--kubelet-client-key=${pki.kubeletClientKey}`,
    '--kubelet-preferred-address-types=InternalIP',
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-key-file=${pki.serviceAccountPublicKey}`,
    `--service-account-signing-key-file=${pki.serviceAccountPrivateKey}`,
    `--requestheader-client-ca-file=${pki.frontProxyCaCertificate}`,
    '--requestheader-allowed-names=front-proxy-client',
    '--requestheader-username-headers=X-Remote-User',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    `--proxy-client-cert-file=${pki.frontProxyClientCertificate}`,
    `--proxy-client-key-file=${pki.frontProxyClientKey}`,
    '--enable-aggregator-routing=true',
    '--max-requests-inflight=3000',
    '--max-mutating-requests-inflight=1500',
    ...audit,
    ...(options.apiServerFlags ?? []),
  ];
}

/** Serving and delegated authentication, the same for both controllers of the control plane. */
function secured(options: CommandLineOptions, identity: 'controller-manager' | 'scheduler'): readonly string[] {
  const { paths } = options;
  const ports = portsOf(options);
  const pki = pkiFiles(paths);
  const config = kubeconfigPath(paths, identity);
  return [
    `--authentication-kubeconfig=${config}`,
    `--authorization-kubeconfig=${config}`,
    `--tls-cert-file=${pki.apiServerCertificate}`,
    `--tls-private-key-file=${pki.apiServerKey}`,
    `--secure-port=${identity === 'scheduler' ? ports.scheduler : ports.controllerManager}`,
    ...(options.loopback === undefined ? [] : ['--bind-address=127.0.0.1']),
  ];
}

function controllerManager(options: CommandLineOptions): readonly string[] {
  const { paths } = options;
  const pki = pkiFiles(paths);
  return [
    join(paths.binDir, 'kube-controller-manager'),
    `--kubeconfig=${kubeconfigPath(paths, 'controller-manager')}`,
    ...secured(options, 'controller-manager'),
    // One of each runs; waiting for a lease would only cost time.
    '--leader-elect=false',
    '--use-service-account-credentials=true',
    `--service-account-private-key-file=${pki.serviceAccountPrivateKey}`,
    `--root-ca-file=${pki.caCertificate}`,
    `--cluster-signing-cert-file=${pki.caCertificate}`,
    `--cluster-signing-key-file=${pki.caKey}`,
    `--cluster-cidr=${POD_CIDR}`,
    `--service-cluster-ip-range=${SERVICE_CIDR}`,
    // Providers give pods their addresses.
    '--allocate-node-cidrs=false',
    // At the default of 20, this program would be what a burst of 1,000 pods waits for.
    '--kube-api-qps=1000',
    '--kube-api-burst=2000',
    '--concurrent-deployment-syncs=20',
    '--concurrent-replicaset-syncs=20',
    '--concurrent-job-syncs=20',
    '--concurrent-endpoint-syncs=10',
    '--concurrent-service-endpoint-syncs=10',
    '--concurrent-gc-syncs=30',
    '--concurrent-namespace-syncs=20',
    '--concurrent-serviceaccount-token-syncs=10',
  ];
}

/** Path of a component's configuration file. */
export function configPath(paths: ClusterPaths, component: Component): string {
  return join(paths.configDir, component);
}

const BUILDERS: Readonly<Record<Component, (options: CommandLineOptions) => readonly string[]>> = {
  etcd,
  'kube-apiserver': apiServer,
  'kube-controller-manager': controllerManager,
  'kube-scheduler': (options) => [
    join(options.paths.binDir, 'kube-scheduler'),
    `--config=${configPath(options.paths, 'kube-scheduler')}`,
    ...secured(options, 'scheduler'),
  ],
  'kube-proxy': ({ paths }) => [join(paths.binDir, 'kube-proxy'), `--config=${configPath(paths, 'kube-proxy')}`],
  coredns: ({ paths }) => [join(paths.binDir, 'coredns'), '-conf', configPath(paths, 'coredns')],
};

/** A component's whole command line. */
export function commandLine(component: Component, options: CommandLineOptions): readonly string[] {
  return BUILDERS[component](options);
}
