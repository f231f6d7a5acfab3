import { DNS_SERVICE_ADDRESS } from '../network/addresses.ts';

/** A Kubernetes object, and the collection that it is created in. */
export interface ClusterObject {
  readonly collection: string;
  readonly object: { readonly apiVersion: string; readonly kind: string; readonly metadata: { readonly name: string } };
}

const USER = 'nodeless:coredns';
const NAME = 'nodeless:coredns';
const PORTS = [
  { name: 'dns', protocol: 'UDP', port: 53 },
  { name: 'dns-tcp', protocol: 'TCP', port: 53 },
];

/** What CoreDNS, which runs as a process at `address`, needs in the cluster: its permissions and the Service kube-dns. */
export function dnsObjects(address: string): readonly ClusterObject[] {
  const rbac = 'rbac.authorization.k8s.io/v1';
  const watch = ['list', 'watch'];
  return [
    {
      collection: `/apis/${rbac}/clusterroles`,
      object: {
        apiVersion: rbac,
        kind: 'ClusterRole',
        metadata: { name: NAME },
        rules: [
          { apiGroups: [''], resources: ['services', 'pods', 'namespaces', 'endpoints'], verbs: watch },
          { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: watch },
        ],
      } as ClusterObject['object'],
    },
    {
      collection: `/apis/${rbac}/clusterrolebindings`,
      object: {
        apiVersion: rbac,
        kind: 'ClusterRoleBinding',
        metadata: { name: NAME },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: NAME },
        subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: USER }],
      } as ClusterObject['object'],
    },
    {
      collection: '/api/v1/namespaces/kube-system/services',
      object: {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'kube-dns', labels: { 'k8s-app': 'kube-dns', 'kubernetes.io/name': 'CoreDNS' } },
        spec: { clusterIP: DNS_SERVICE_ADDRESS, ports: PORTS },
      } as ClusterObject['object'],
    },
    {
      collection: '/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices',
      object: {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: 'kube-dns-process', labels: { 'kubernetes.io/service-name': 'kube-dns' } },
        addressType: 'IPv4',
        endpoints: [{ addresses: [address], conditions: { ready: true } }],
        ports: PORTS,
      } as ClusterObject['object'],
    },
  ];
}
