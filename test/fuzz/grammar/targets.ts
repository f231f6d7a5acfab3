import type { Random } from '../random.ts';
import type { Inhabitant, World } from '../world.ts';

/** What a request is about. */
export interface Target {
  readonly path: string;
  readonly kind: string;
  /** The attacker's own pod or agent, or what belongs to them. */
  readonly own: boolean;
  /** An object of a victim. */
  readonly aimed: boolean;
  readonly method?: string;
  readonly about: Inhabitant;
}

type Maker = (about: Inhabitant, world: World, random: Random) => string | readonly [path: string, method: string];

const inNamespace = (about: Inhabitant, rest: string) => `/api/v1/namespaces/${about.namespace}/${rest}`;
const POD_PARTS = [
  'log',
  'exec',
  'attach',
  'portforward',
  'binding',
  'ephemeralcontainers',
  'resize',
  'proxy',
] as const;
const ALL = [
  'pods',
  'secrets',
  'configmaps',
  'serviceaccounts',
  'events',
  'endpoints',
  'persistentvolumeclaims',
] as const;
const ELSEWHERE = [
  '/api/v1/namespaces',
  '/api/v1/componentstatuses',
  '/apis/apps/v1/deployments',
  '/apis/batch/v1/jobs',
  '/apis/rbac.authorization.k8s.io/v1/clusterroles',
  '/apis/nodeless.io/v1alpha1/cells',
  '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
  '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies',
  '/apis/resource.k8s.io/v1/resourceclaims',
  '/apis/metrics.k8s.io/v1beta1/nodes',
  '/api/v1/persistentvolumes/pv-1',
  '/api/v1/nodes',
  '/openapi/v2',
  '/metrics',
  '/debug/pprof/heap',
  '/logs/',
  '/version',
  '/api',
  '/apis',
  '/healthz',
  '/livez/ping',
  '/',
  '*',
  '',
] as const;
const SHARED = [
  '/api/v1/services',
  '/apis/discovery.k8s.io/v1/endpointslices',
  '/apis/networking.k8s.io/v1/servicecidrs',
  '/apis/storage.k8s.io/v1/csidrivers',
  '/apis/node.k8s.io/v1/runtimeclasses',
  '/apis/resource.k8s.io/v1/resourceslices',
] as const;

const MAKERS: Readonly<Record<string, Maker>> = {
  'pods of the node': (_about, { virtualNode }) => [`/api/v1/pods?fieldSelector=spec.nodeName%3D${virtualNode}`, 'GET'],
  pod: (about) => inNamespace(about, `pods/${about.pod}`),
  'pods/status': (about) => [inNamespace(about, `pods/${about.pod}/status`), 'PATCH'],
  'pods/eviction': (about) => [inNamespace(about, `pods/${about.pod}/eviction`), 'POST'],
  'pods/other': (about, _world, random) => inNamespace(about, `pods/${about.pod}/${random.pick(POD_PARTS)}`),
  'pod deleted': (about) => [inNamespace(about, `pods/${about.pod}`), 'DELETE'],
  secret: (about) => inNamespace(about, `secrets/${about.secret}`),
  'secret read': (about) => [inNamespace(about, `secrets/${about.secret}`), 'GET'],
  'secret listed': (about) => [inNamespace(about, `secrets?fieldSelector=metadata.name%3D${about.secret}`), 'GET'],
  configmap: (about) => inNamespace(about, `configmaps/${about.configMap}`),
  'configmap read': (about) => [inNamespace(about, `configmaps/${about.configMap}`), 'GET'],
  token: (about) => [inNamespace(about, `serviceaccounts/${about.serviceAccount}/token`), 'POST'],
  'collection of a namespace': (about, _world, random) => inNamespace(about, random.pick(ALL)),
  'collection of all': (_about, _world, random) => `/api/v1/${random.pick(ALL)}`,
  'authority of the provider': () => '/api/v1/namespaces/nodeless-system/secrets/nodeless-authority',
  event: (about, _world, random) => inNamespace(about, random.chance(0.5) ? 'events' : `events/${about.pod}.1`),
  node: (_about, { virtualNode }) => `/api/v1/nodes/${virtualNode}`,
  'node status': (_about, { virtualNode }) => `/api/v1/nodes/${virtualNode}/status`,
  'another node': (about, _world, random) => `/api/v1/nodes/${random.pick([about.cellId, 'regular-1', about.address])}`,
  lease: (_about, { virtualNode }, random) =>
    `/apis/coordination.k8s.io/v1/namespaces/${random.pick(['kube-node-lease', 'nodeless-system'])}/leases/${random.pick([virtualNode, `nodeless-${virtualNode}`])}`,
  csinode: (_about, { virtualNode }) => `/apis/storage.k8s.io/v1/csinodes/${virtualNode}`,
  'signing request': (about, _world, random) =>
    `/apis/certificates.k8s.io/v1/certificatesigningrequests${random.pick(['', `/${about.cellId}`, '/csr-1', `/${about.pod}/approval`, '?watch=1'])}`,
  review: (_about, _world, random) => [
    `/apis/${random.pick(['authorization.k8s.io/v1/subjectaccessreviews', 'authorization.k8s.io/v1/selfsubjectaccessreviews', 'authentication.k8s.io/v1/tokenreviews', 'authorization.k8s.io/v1/selfsubjectrulesreviews'])}`,
    'POST',
  ],
  claim: (about) => inNamespace(about, `persistentvolumeclaims/${about.pod}`),
  shared: (_about, _world, random) => random.pick(SHARED),
  elsewhere: (_about, _world, random) => random.pick(ELSEWHERE),
  'service of a namespace': (about) => inNamespace(about, `services/${about.pod}`),
};

const KINDS = Object.keys(MAKERS);

/** Something that a kubelet, or somebody who has its key, might ask for; mostly what is a victim's. */
export function targetIn(random: Random, world: World): Target {
  const kind = random.pick(KINDS);
  const own = random.chance(0.25);
  const about = own ? random.pick([world.own, world.agent]) : random.pick(world.victims);
  const made = MAKERS[kind]?.(about, world, random) ?? '/';
  const [path, method] = typeof made === 'string' ? [made] : made;
  const aimed =
    !own && [about.pod, about.secret, about.configMap, about.serviceAccount].some((name) => path.includes(name));
  const usual = method !== undefined && random.chance(0.85);
  return { path, kind, own, aimed, about, ...(usual ? { method } : {}) };
}
