import type { Random } from '../random.ts';
import type { World } from '../world.ts';
import type { Body } from './bodies.ts';

type Header = readonly [string, string];

interface Circumstances {
  readonly world: World;
  readonly body: Body | undefined;
  /** True where bytes go out as they are: what smuggles requests is only sent there. */
  readonly raw: boolean;
}

type Trick = (random: Random, world: World) => readonly Header[];

const USERS = [
  'system:admin',
  'system:node:nodeless',
  'system:serviceaccount:kube-system:default',
  'nodeless:provider',
] as const;

const TRICKS: readonly Trick[] = [
  (random) => [['impersonate-user', random.pick(USERS)]],
  (random) => [
    ['impersonate-user', random.pick(USERS)],
    ['impersonate-group', 'system:masters'],
    ['impersonate-uid', '0'],
    ['impersonate-extra-scopes', 'all'],
  ],
  (random) => [
    ['x-remote-user', random.pick(USERS)],
    ['x-remote-group', 'system:masters'],
    ['x-remote-extra-a', 'b'],
  ],
  (random, world) => [
    ['x-forwarded-for', random.pick(world.victims).address],
    ['x-forwarded-host', 'kubernetes.default'],
    ['x-forwarded-proto', 'http'],
    ['x-forwarded-client-cert', `URI=nodeless://cell/${random.pick(world.victims).cellId}`],
    ['x-real-ip', '127.0.0.1'],
    ['forwarded', 'for=127.0.0.1;proto=https'],
  ],
  (random) => [['x-original-url', random.pick(['/api/v1/secrets', '/metrics', '/api/v1/pods'])]],
  (random) => [['x-http-method-override', random.pick(['DELETE', 'GET', 'PUT'])]],
  (random, world) => [
    [
      'authorization',
      `Bearer ${random.pick(['x', 'a'.repeat(4_000), `${random.pick(world.victims).cellId}.${'0'.repeat(64)}`])}`,
    ],
  ],
  (random) => [
    ['authorization', random.pick(['Basic YWRtaW46YWRtaW4=', 'bearer', 'Bearer', 'Negotiate x', 'Bearer a b'])],
  ],
  (random) => [
    [
      'accept',
      random.pick([
        'application/vnd.kubernetes.protobuf',
        'application/json;as=Table;v=v1;g=meta.k8s.io',
        '*/*',
        'text/html',
        '',
        'application/json;stream=watch',
        'application/yaml',
        ',,,',
        'application/json;q=0',
      ]),
    ],
  ],
  (random) => [['accept-encoding', random.pick(['gzip', 'br', 'identity;q=0', '*'])]],
  (random) => [['content-encoding', random.pick(['gzip', 'deflate', 'br', 'x', 'gzip, gzip'])]],
  () => [['x-padding', 'x'.repeat(7_000)]],
  (random) => Array.from({ length: random.below(90) }, (_, i) => [`x-many-${i}`, 'y'] as const),
  () => [
    ['x-twice', 'a'],
    ['x-twice', 'b'],
  ],
  (random) => [['range', random.pick(['bytes=0-', 'bytes=0-0,1-1,2-2', 'x'])]],
  (random) => [['if-none-match', random.pick(['*', '"x"'])]],
  (random) => [['origin', random.pick(['https://evil', 'null'])]],
  (random) => [['cookie', `a=${'b'.repeat(random.below(3_000))}`]],
  (random) => [['user-agent', random.pick(['kubelet/v1.34.4', '', '() { :;}; x', 'a'.repeat(2_000)])]],
];

/** Only over raw bytes: each may end the connection, and hide a second request behind the first. */
const SMUGGLING: readonly Trick[] = [
  () => [
    ['content-length', '4'],
    ['transfer-encoding', 'chunked'],
  ],
  () => [['transfer-encoding', 'chunked, identity']],
  () => [['transfer-encoding', ' chunked']],
  () => [['transfer-encoding ', 'chunked']],
  () => [
    ['content-length', '0'],
    ['content-length', '44'],
  ],
  (random) => [['content-length', random.pick(['-1', '+5', '0x10', '99999999999999999999', '1e2', ' 3'])]],
  (_random, world) => [['host', `${world.host}, kubernetes.default`]],
  () => [
    ['host', 'a'],
    ['host', 'b'],
  ],
  () => [
    ['upgrade', 'h2c'],
    ['connection', 'Upgrade, HTTP2-Settings'],
    ['http2-settings', 'AAMAAABkAAQAAP__'],
  ],
  () => [
    ['upgrade', 'SPDY/3.1'],
    ['connection', 'upgrade'],
  ],
  () => [['expect', '100-continue']],
  () => [['connection', 'close, authorization, content-type']],
  () => [['x\u0000y', 'z']],
  () => [['x', 'a\r\n b']],
  () => [[':authority', 'kubernetes.default']],
];

/** The headers of a request: a kubelet's, some tricks, and over raw bytes some that smuggle. */
export function headersFor(random: Random, { world, body, raw }: Circumstances): readonly Header[] {
  const headers: Header[] = random.chance(0.9) ? [['accept', 'application/json']] : [];
  if (body !== undefined) headers.push(['content-type', body.mediaType]);
  while (random.chance(0.35)) headers.push(...random.pick(TRICKS)(random, world));
  if (raw) headers.push(...random.pick(SMUGGLING)(random, world));
  return headers;
}
