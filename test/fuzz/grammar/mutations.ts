import type { Random } from '../random.ts';
import type { World } from '../world.ts';

interface Circumstances {
  /** True where bytes go out as they are: others could not send a line break. */
  readonly raw: boolean;
  readonly world: World;
}

type Mutation = (path: string, random: Random, circumstances: Circumstances) => string;

function percentEncoded(path: string, random: Random, times: number): string {
  const at = random.below(path.length || 1);
  const code = path.charCodeAt(at) || 0x2f;
  let encoded = `%${code.toString(16).padStart(2, '0')}`;
  for (let i = 1; i < times; i += 1) encoded = encoded.replaceAll('%', '%25');
  return `${path.slice(0, at)}${encoded}${path.slice(at + 1)}`;
}

/** Puts something at one of the path's slashes. */
function atSlash(path: string, random: Random, piece: string): string {
  const slashes = [...path.matchAll(/\//g)].map(({ index }) => index);
  const at = slashes.length === 0 ? 0 : random.pick(slashes);
  return `${path.slice(0, at)}${piece}${path.slice(at)}`;
}

const TRAVERSALS = [
  '/..',
  '/.',
  '/',
  '/%2e%2e',
  '/%2e',
  '/..%2f..',
  '/%252e%252e',
  '/..;',
  '/;a=b',
  '\\..',
  '/%5c..',
  '/%c0%ae%c0%ae',
  '/%ef%bc%8e%ef%bc%8e',
  '/x/..',
  '/namespaces/..',
  '%2f',
  '%00',
  '%0d%0aX-Injected:%20yes',
  '/%u002e%u002e',
] as const;

const ODD = [
  '\u0000',
  '\r\n',
  '\t',
  ' ',
  '\u202e',
  '\ud83d\ude00',
  '\u00ad',
  'ſ',
  '\u2044',
  '#',
  '?',
  '%',
  '%zz',
  '"',
] as const;

const MUTATIONS: readonly Mutation[] = [
  (path, random) => percentEncoded(path, random, 1),
  (path, random) => percentEncoded(path, random, 2),
  (path, random) => percentEncoded(path, random, 3),
  (path, random) => atSlash(path, random, random.pick(TRAVERSALS)),
  (path, random, { world }) =>
    atSlash(
      path,
      random,
      `/namespaces/${world.own.namespace}/pods/${world.own.pod}/${'../'.repeat(1 + random.below(6))}`,
    ),
  (path, random) =>
    path.replace(/[a-z]+/, (word) =>
      random.chance(0.5) ? word.toUpperCase() : `${word.at(0)?.toUpperCase()}${word.slice(1)}`,
    ),
  (path) => path.replaceAll('/', '//'),
  (path) => path.replaceAll('/', '%2f'),
  (path) => path.replaceAll('/', '\\'),
  (path) => `${path}/`,
  (path) => path.slice(1),
  (path, random, { world }) =>
    `${random.pick(['http', 'https', 'file'])}://${random.pick([world.host, 'kubernetes.default', '127.0.0.1:6443'])}${path}`,
  (path, random) => `//${random.pick(['kubernetes.default.svc', '127.0.0.1:6443', '[::1]'])}${path}`,
  (path, random) => `${path}/${'a'.repeat(random.below(12_000))}`,
  (path, random) => `${path}${'/x'.repeat(random.below(600))}`,
  (path, random) =>
    path.replace('v1', random.pick(['v2', 'v1beta1', 'V1', 'v1 ', '__internal', 'v1/watch', 'v1/proxy'])),
  (path, random, { raw }) => {
    const odd = random.pick(ODD);
    const at = random.below(path.length + 1);
    const safe = raw || !/[\r\n\0]/.test(odd) ? odd : encodeURIComponent(odd);
    return `${path.slice(0, at)}${safe}${path.slice(at)}`;
  },
  (path) => `/api/v1/watch${path.replace('/api/v1', '')}`,
];

/** A path that two readers might understand differently. */
export function disfigured(random: Random, path: string, circumstances: Circumstances): string {
  let result = path;
  for (let i = 0; i <= random.below(3); i += 1) result = random.pick(MUTATIONS)(result, random, circumstances);
  return result;
}
