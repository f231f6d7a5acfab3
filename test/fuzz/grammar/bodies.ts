import type { Random } from '../random.ts';
import type { Inhabitant, World } from '../world.ts';
import type { Target } from './targets.ts';

/** A request's body. */
export interface Body {
  readonly bytes: Buffer;
  readonly mediaType: string;
}

const JSON_TYPE = 'application/json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const MERGE = 'application/merge-patch+json';
const MEDIA_TYPES = [
  JSON_TYPE,
  STRATEGIC,
  MERGE,
  'application/json-patch+json',
  'application/apply-patch+yaml',
  'application/vnd.kubernetes.protobuf',
  'text/plain',
  'multipart/form-data; boundary=x',
  'application/json; charset=utf-7',
  '',
] as const;

type Maker = (random: Random, about: Inhabitant, world: World) => unknown;

const PATCH: Maker = (random, about) =>
  random.pick<unknown>([
    { status: { phase: 'Failed', reason: 'Evicted' } },
    { metadata: { uid: about.podUid }, status: { phase: 'Failed' } },
    { metadata: { annotations: { 'nodeless.io/cell': about.cellId } }, status: {} },
    { metadata: { labels: { stolen: 'yes' }, finalizers: ['x/y'] } },
    { spec: { containers: [{ name: 'main', image: 'evil' }] } },
    { status: { conditions: [{ type: 'nodeless.io/CellReady', status: 'False' }] } },
    { status: { conditions: [{ $patch: 'replace' }] } },
    { status: { $patch: 'replace', podIP: about.address } },
    { status: { podIP: about.address, podIPs: [{ ip: about.address }], hostIP: about.address } },
    { $patch: 'delete' },
    { status: { constructor: [{}], toString: [1], hasOwnProperty: {} } },
    { status: { conditions: { length: 3 } } },
  ]);

const TOKEN: Maker = (random, about, { own }) => ({
  apiVersion: 'authentication.k8s.io/v1',
  kind: 'TokenRequest',
  spec: {
    audiences: random.pick([[], ['https://kubernetes.default.svc'], ['x'.repeat(500)]]),
    expirationSeconds: random.pick([600, 3_600, 10 ** 9, -1]),
    boundObjectRef: random.pick([
      { apiVersion: 'v1', kind: 'Pod', name: about.pod, uid: about.podUid },
      { apiVersion: 'v1', kind: 'Pod', name: own.pod, uid: own.podUid },
      { apiVersion: 'v1', kind: 'Pod', name: own.pod, uid: about.podUid },
      { apiVersion: 'v1', kind: 'Secret', name: about.secret },
      { apiVersion: 'v1', kind: 'pod', name: about.pod, uid: about.podUid },
      undefined,
      null,
      [],
    ]),
  },
});

const EVENT: Maker = (random, about, { own }) => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name: `${about.pod}.${random.below(3)}`, namespace: about.namespace },
  [random.pick(['involvedObject', 'regarding'])]: {
    kind: random.pick(['Pod', 'Node', 'Secret', 'pod']),
    namespace: about.namespace,
    name: about.pod,
    uid: random.pick([about.podUid, own.podUid]),
  },
  reason: 'Fuzz',
  type: 'Normal',
  count: 1,
});

const NODE: Maker = (random, about, { virtualNode }) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name: random.pick([virtualNode, about.cellId]),
    labels: random.pick([{}, { 'node-role.kubernetes.io/control-plane': '' }]),
    annotations: { fuzz: 'x'.repeat(random.below(2_000)) },
  },
  ...(random.chance(0.3) ? { spec: { taints: [], podCIDR: '0.0.0.0/0', unschedulable: true } } : {}),
  status: random.pick([
    { nodeInfo: { kubeletVersion: 'fuzz' } },
    { addresses: [{ type: 'InternalIP', address: about.address }] },
    { conditions: [{ type: 'Fuzz', status: 'x'.repeat(random.below(1_000)) }] },
    { images: random.below(9) },
  ]),
});

const LEASE: Maker = (random, _about, { virtualNode }) => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: virtualNode, namespace: 'kube-node-lease' },
  spec: { holderIdentity: 'x'.repeat(random.below(3_000)), leaseDurationSeconds: random.pick([40, -1, 1e99]) },
});

const SIGNING: Maker = (random, about, { signingRequests }) => ({
  apiVersion: 'certificates.k8s.io/v1',
  kind: 'CertificateSigningRequest',
  metadata: random.pick([{ generateName: 'csr-' }, { name: about.cellId }, { name: '../x' }, {}]),
  spec: {
    request: random.pick([
      Buffer.from(random.pick(signingRequests)).toString('base64'),
      Buffer.from(random.pick(signingRequests)).subarray(random.below(300)).toString('base64'),
      random.bytes(200).toString('base64'),
      'x',
      7,
    ]),
    signerName: random.pick([
      'kubernetes.io/kube-apiserver-client-kubelet',
      'kubernetes.io/kubelet-serving',
      'kubernetes.io/kube-apiserver-client',
    ]),
    usages: ['digital signature', random.pick(['client auth', 'server auth', 'cert sign'])],
    username: 'system:admin',
    groups: ['system:masters'],
  },
});

const REVIEW: Maker = (random, about) => ({
  apiVersion: 'authorization.k8s.io/v1',
  kind: 'SubjectAccessReview',
  spec: {
    user: random.pick(['nodeless:provider', 'system:admin', '']),
    groups: ['system:masters'],
    token: 'x',
    resourceAttributes: { namespace: about.namespace, resource: 'secrets', name: about.secret, verb: 'get' },
  },
});

const EVICTION: Maker = (random, about) => ({
  apiVersion: 'policy/v1',
  kind: 'Eviction',
  metadata: random.pick([{ name: about.pod, namespace: about.namespace }, {}, { name: 'other' }]),
  deleteOptions: random.pick([{ preconditions: { uid: about.podUid } }, { gracePeriodSeconds: 0 }, {}, undefined]),
});

/** What the cell API keeps for a cell and gives back: no victim is named in it, or it would look like a leak. */
const KEPT = new Set(['node', 'node status', 'another node', 'lease', 'csinode']);
const NOBODY: Inhabitant = {
  namespace: 'nowhere',
  pod: 'nobody',
  podUid: '00000000-0000-0000-0000-000000000000',
  secret: 'nothing',
  configMap: 'nothing',
  serviceAccount: 'nobody',
  cellId: 'cell-nobody',
  address: '203.0.113.9',
};

function makerFor({ kind, method }: Target, random: Random): Maker {
  if (random.chance(0.1)) return random.pick([PATCH, TOKEN, EVENT, NODE, LEASE, SIGNING, REVIEW, EVICTION]);
  if (kind === 'token') return TOKEN;
  if (kind === 'event') return EVENT;
  if (kind.includes('node')) return NODE;
  if (kind === 'lease' || kind === 'csinode') return LEASE;
  if (kind === 'signing request') return SIGNING;
  if (kind === 'review') return REVIEW;
  if (kind === 'pods/eviction' || method === 'DELETE') return EVICTION;
  return PATCH;
}

const nested = (depth: number, open: string, close: string) => `${open.repeat(depth)}0${close.repeat(depth)}`;

/** Bodies that are no object, or a costly one. */
const BOMBS: readonly ((random: Random) => Buffer)[] = [
  (random) => Buffer.from(nested(1 + random.below(20_000), '[', ']')),
  (random) => Buffer.from(nested(1 + random.below(20_000), '{"a":', '}')),
  (random) => Buffer.from(`{"a":[${'0,'.repeat(random.below(20_000))}0]}`),
  (random) => Buffer.from(`{${Array.from({ length: random.below(3_000) }, (_, i) => `"k${i}":1`).join(',')}}`),
  () => Buffer.from('{"__proto__":{"admin":true},"status":{}}'),
  () => Buffer.from('{"\\u005f_proto__":{"admin":true},"status":{"constructor":{"prototype":{"x":1}}}}'),
  () => Buffer.from('{"status":{},"status":{"phase":"Failed"}}'),
  () => Buffer.from('\ufeff{"status":{}}'),
  () => Buffer.from('{"a":1e999999,"b":-0,"c":9007199254740993}'),
  () => Buffer.from('null'),
  () => Buffer.from('[]'),
  () => Buffer.from('"text"'),
  () => Buffer.alloc(0),
  (random) => random.bytes(random.below(500)),
  () => Buffer.from('k8s\0\n\x0a'),
  () => Buffer.from('[{"op":"replace","path":"/status/phase","value":"Failed"}]'),
  () => Buffer.from('a: &a [*a]\nkind: Pod\n'),
];

/** A body: mostly what belongs to the target, else something that is costly or odd. */
export function bodyFor(random: Random, world: World, target: Target): Body {
  const usual = target.method === 'PATCH' || random.chance(0.3) ? random.pick([STRATEGIC, MERGE]) : JSON_TYPE;
  const mediaType = random.chance(0.8) ? usual : random.pick(MEDIA_TYPES);
  if (random.chance(0.15)) return { bytes: random.pick(BOMBS)(random), mediaType };
  const about = KEPT.has(target.kind) ? NOBODY : target.about;
  const object = makerFor(target, random)(random, about, world);
  return { bytes: Buffer.from(JSON.stringify(object)), mediaType };
}
