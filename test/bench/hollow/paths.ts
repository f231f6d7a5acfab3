/** Objects that every pod of the benchmark refers to, so that its cell watches them. */
export const REFERENCED = { namespace: 'default', configMaps: ['kube-root-ca.crt', 'bench'], secrets: ['bench'] };

/** What the Services of the benchmark carry, so that only the cells' own proxies take them. */
export const PROXY_NAME_LABEL = 'service.kubernetes.io/service-proxy-name';
export const PROXY_NAME = 'bench';

function selected(path: string, kind: 'fieldSelector' | 'labelSelector', selector: string): string {
  return `${path}?${kind}=${encodeURIComponent(selector)}`;
}

/** The pods of a cell's node. */
export function podsPath(nodeName: string): string {
  return selected('/api/v1/pods', 'fieldSelector', `spec.nodeName=${nodeName}`);
}

/** What a kubelet follows beside its pods. */
export function kubeletPaths(nodeName: string): readonly string[] {
  return [
    selected('/api/v1/nodes', 'fieldSelector', `metadata.name=${nodeName}`),
    selected('/api/v1/services', 'fieldSelector', 'spec.clusterIP!=None'),
    '/apis/storage.k8s.io/v1/csidrivers',
    '/apis/node.k8s.io/v1/runtimeclasses',
  ];
}

/** What a kubelet follows while it has a pod that refers to it. */
export function referencedPaths(): readonly string[] {
  const { namespace, configMaps, secrets } = REFERENCED;
  const path = (resource: string, name: string) =>
    selected(`/api/v1/namespaces/${namespace}/${resource}`, 'fieldSelector', `metadata.name=${name}`);
  return [...configMaps.map((name) => path('configmaps', name)), ...secrets.map((name) => path('secrets', name))];
}

/** What a kube-proxy follows. */
export function proxyPaths(nodeName: string): readonly string[] {
  const services = `!service.kubernetes.io/headless,${PROXY_NAME_LABEL}=${PROXY_NAME}`;
  return [
    selected('/api/v1/services', 'labelSelector', services),
    selected('/apis/discovery.k8s.io/v1/endpointslices', 'labelSelector', services),
    selected('/api/v1/nodes', 'fieldSelector', `metadata.name=${nodeName}`),
    '/apis/networking.k8s.io/v1/servicecidrs',
  ];
}
