import {
  COREDNS_VERSION,
  HELM_VERSION,
  KUBERNETES_VERSION,
  KWOK_VERSION,
  PAUSE_VERSION,
  PREVIOUS_KUBELET_VERSION,
} from '../versions.ts';

/** The programs that one multi-call `kubernetes` binary holds; symlinks name them. */
export const KUBERNETES_PROGRAMS = [
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kube-proxy',
  'kubelet',
  'kubectl',
] as const;

/** Every program that is downloaded or compiled; etcd and the rest come from the system. */
export const PROGRAMS = [
  ...KUBERNETES_PROGRAMS,
  'coredns',
  'pause',
  'agnhost',
  'nnp',
  'ginkgo',
  'e2e.test',
  'kubelet-1.33',
  'kwok',
  'sample-apiserver',
  'helm',
] as const;
export type Program = (typeof PROGRAMS)[number];

/** One thing that is compiled, and how. */
export interface Artifact {
  readonly name: string;
  readonly version: string;
  /** Folder of its Go module under deploy/local-cluster. */
  readonly module: 'kubernetes' | 'kubelet-1.33' | 'coredns' | 'pause' | 'kwok' | 'sample-apiserver' | 'helm';
  /** `go build` unless it is a test binary. */
  readonly verb: readonly string[];
  readonly package: string;
  readonly ldflags: string;
  /** What a person is told to expect of a first compilation on 2 cores. */
  readonly estimate: string;
}

const VERSION_PACKAGE = 'k8s.io/component-base/version';

const HELM_CAPABILITIES = 'helm.sh/helm/v3/pkg/chartutil';

function minorOf(version: string): string {
  return version.split('.')[1] ?? '';
}

/** What makes a Kubernetes program tell its version. */
function kubernetesLdflags(version: string): string {
  return [
    '-s -w',
    `-X ${VERSION_PACKAGE}.gitVersion=${version}`,
    `-X ${VERSION_PACKAGE}.gitMajor=1`,
    `-X ${VERSION_PACKAGE}.gitMinor=${minorOf(version)}`,
    `-X ${VERSION_PACKAGE}.gitTreeState=clean`,
  ].join(' ');
}

const KUBERNETES_LDFLAGS = kubernetesLdflags(KUBERNETES_VERSION);

const kubernetes = { version: KUBERNETES_VERSION, module: 'kubernetes', verb: ['build'], ldflags: '-s -w' } as const;

const ARTIFACTS = {
  kubernetes: {
    ...kubernetes,
    name: 'kubernetes',
    package: '.',
    ldflags: KUBERNETES_LDFLAGS,
    estimate: 'about 6 min on 2 cores, once',
  },
  agnhost: {
    ...kubernetes,
    name: 'agnhost',
    package: 'k8s.io/kubernetes/test/images/agnhost',
    estimate: 'under a minute',
  },
  nnp: {
    ...kubernetes,
    name: 'nnp',
    package: 'k8s.io/kubernetes/test/images/nonewprivs',
    estimate: 'seconds',
  },
  ginkgo: {
    ...kubernetes,
    name: 'ginkgo',
    package: 'github.com/onsi/ginkgo/v2/ginkgo',
    estimate: 'under a minute',
  },
  'e2e.test': {
    ...kubernetes,
    name: 'e2e.test',
    verb: ['test', '-c'],
    package: 'k8s.io/kubernetes/test/e2e',
    ldflags: KUBERNETES_LDFLAGS,
    estimate: 'about 3 min on 2 cores, once',
  },
  'kubelet-1.33': {
    name: 'kubelet-1.33',
    version: PREVIOUS_KUBELET_VERSION,
    module: 'kubelet-1.33',
    verb: ['build'],
    package: '.',
    ldflags: kubernetesLdflags(PREVIOUS_KUBELET_VERSION),
    estimate: 'about 4 min on 2 cores, once',
  },
  coredns: {
    name: 'coredns',
    version: COREDNS_VERSION,
    module: 'coredns',
    verb: ['build'],
    package: '.',
    ldflags: '-s -w',
    estimate: 'about a minute on 2 cores, once',
  },
  kwok: {
    name: 'kwok',
    version: KWOK_VERSION,
    module: 'kwok',
    verb: ['build'],
    package: 'sigs.k8s.io/kwok/cmd/kwok',
    ldflags: '-s -w',
    estimate: 'about 2 min on 2 cores, once',
  },
  'sample-apiserver': {
    name: 'sample-apiserver',
    version: KUBERNETES_VERSION,
    module: 'sample-apiserver',
    verb: ['build'],
    package: 'k8s.io/sample-apiserver',
    ldflags: '-s -w',
    estimate: 'about a minute on 2 cores, once',
  },
  helm: {
    name: 'helm',
    version: HELM_VERSION,
    module: 'helm',
    verb: ['build'],
    package: 'helm.sh/helm/v3/cmd/helm',
    // The version that a chart is rendered for without a cluster.
    ldflags: `-s -w -X ${HELM_CAPABILITIES}.k8sVersionMajor=1 -X ${HELM_CAPABILITIES}.k8sVersionMinor=${minorOf(KUBERNETES_VERSION)}`,
    estimate: 'about 4 min on 2 cores, once',
  },
  pause: {
    name: 'pause',
    version: PAUSE_VERSION,
    module: 'pause',
    verb: ['build'],
    package: '.',
    ldflags: '-s -w',
    estimate: 'seconds',
  },
} as const satisfies Record<string, Artifact>;

function isKubernetes(program: Program): boolean {
  return (KUBERNETES_PROGRAMS as readonly string[]).includes(program);
}

/** What is compiled to have a program. */
export function artifactOf(program: Program): Artifact {
  return ARTIFACTS[isKubernetes(program) ? 'kubernetes' : (program as keyof typeof ARTIFACTS)];
}

/** Where the project that makes the program publishes it, with `<url>.sha256` beside it; undefined when nowhere, as for all but Linux. */
export function officialUrl(program: Program, arch: string, platform: string = process.platform): string | undefined {
  if (platform !== 'linux') return undefined;
  const { version } = artifactOf(program);
  if (program === 'kubelet-1.33') return `https://dl.k8s.io/${version}/bin/linux/${arch}/kubelet`;
  return isKubernetes(program) ? `https://dl.k8s.io/${version}/bin/linux/${arch}/${program}` : undefined;
}
