/** Kubernetes objects that the tests create, at their smallest. */

export const WEB_IMAGE = 'nodeless.local/web:1';
export const BUSYBOX_IMAGE = 'registry.k8s.io/e2e-test-images/busybox:1.37.0-1';

/** What sends a pod to the virtual node, and keeps it there while the provider is away. */
export const ON_CELLS = {
  nodeSelector: { type: 'virtual-kubelet' },
  tolerations: [
    { key: 'virtual-kubelet.io/provider', operator: 'Exists' },
    { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
    { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  ],
};

/** Over a pod's spec: nothing says where it goes, so that routing has to. */
export const LEFT_TO_ROUTING = { nodeSelector: undefined, tolerations: undefined };

interface PodShape {
  readonly image?: string;
  readonly command?: readonly string[];
  readonly spec?: Record<string, unknown>;
  readonly container?: Record<string, unknown>;
  readonly metadata?: Record<string, unknown>;
}

function podSpec({ image = BUSYBOX_IMAGE, command, spec, container }: PodShape): Record<string, unknown> {
  const main = {
    name: 'main',
    image,
    ...(command === undefined ? {} : { command }),
    resources: { requests: { cpu: '50m', memory: '64Mi' } },
    ...container,
  };
  return { ...ON_CELLS, terminationGracePeriodSeconds: 1, containers: [main], ...spec };
}

export function pod(name: string, shape: PodShape = {}): object {
  const command = shape.command ?? ['sh', '-c', 'trap exit TERM; while true; do sleep 1; done'];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...shape.metadata },
    spec: podSpec({ ...shape, command }),
  };
}

/** A Deployment of the web server; `spec` goes over its pods'. */
export function webDeployment(name: string, replicas: number, spec: Record<string, unknown> = {}): object {
  const labels = { app: name };
  const container = { ports: [{ containerPort: 80 }], readinessProbe: { httpGet: { port: 80 }, periodSeconds: 1 } };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: podSpec({ image: WEB_IMAGE, container, spec }) },
    },
  };
}

export function service(name: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ port: 80 }] },
  };
}

/** A certificate signing request of a kubelet, from its PKCS #10 request. */
export function signingRequest(requestPem: string, signer: string, usage: 'client auth' | 'server auth'): object {
  return {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { generateName: 'test-' },
    spec: {
      request: Buffer.from(requestPem).toString('base64'),
      signerName: signer,
      usages: ['digital signature', usage],
    },
  };
}
