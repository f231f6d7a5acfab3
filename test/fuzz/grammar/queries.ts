import type { Random } from '../random.ts';
import type { World } from '../world.ts';

type Parameter = (random: Random, world: World) => string;

const PARAMETERS: readonly Parameter[] = [
  (random) => `watch=${random.pick(['1', 'true', 'TRUE', '0', '', 'yes', '%31'])}`,
  (random) => `timeoutSeconds=${random.pick(['1', '0', '-1', '99999999999', '1e3', 'NaN'])}`,
  (random) => `limit=${random.pick(['1', '0', '-5', '1000000000000000000000', 'x'])}`,
  (random) => `continue=${random.pick(['abc', 'eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MX0', '%00', ''])}`,
  (random) => `resourceVersion=${random.pick(['0', '1', '', '99999999', '-1', 'x', '18446744073709551616', '1,2'])}`,
  (random) => `resourceVersionMatch=${random.pick(['Exact', 'NotOlderThan', 'x'])}`,
  (random) => `sendInitialEvents=${random.pick(['true', 'false', ''])}`,
  (random) => `allowWatchBookmarks=${random.pick(['true', 'false', '1'])}`,
  (random, world) => `fieldSelector=${encodeURIComponent(fieldSelector(random, world))}`,
  (random) => `labelSelector=${encodeURIComponent(labelSelector(random))}`,
  (random) => `pretty=${random.pick(['true', '1', 'x'])}`,
  (random) => `dryRun=${random.pick(['All', 'None', '', 'all'])}`,
  (random) => `fieldManager=${random.pick(['kubelet', 'x'.repeat(300), '%0d%0aX-Injected:%201'])}`,
  (random) => `fieldValidation=${random.pick(['Strict', 'Ignore', 'x'])}`,
  (random) =>
    random.pick(['force=true', 'gracePeriodSeconds=0', 'propagationPolicy=Background', 'orphanDependents=true']),
  (random) =>
    random.pick(['export=true', 'includeUninitialized=1', 'as=system%3Aadmin', 'impersonate=admin', '__proto__=1']),
  (_random, world) => `namespace=${world.victims[0]?.namespace}`,
];

function fieldSelector(random: Random, { virtualNode, victims }: World): string {
  const victim = random.pick(victims);
  return random.pick([
    `spec.nodeName=${virtualNode}`,
    'spec.nodeName!=x',
    'spec.nodeName=',
    `metadata.name=${victim.secret}`,
    `metadata.name=${victim.configMap}`,
    `metadata.name!=${victim.secret}`,
    `metadata.namespace=${victim.namespace}`,
    `metadata.name=${victim.pod},spec.nodeName=${virtualNode}`,
    'spec.clusterIP!=None',
    'metadata.name in (a,b)',
    '=,=,=',
    'metadata.name=*',
    ','.repeat(random.below(9_000)),
    'metadata.name=a,'.repeat(random.below(400)),
  ]);
}

function labelSelector(random: Random): string {
  return random.pick([
    'app',
    '!app',
    'app=victim',
    'app in (victim, other)',
    'app notin (',
    'a=b,,c',
    '__proto__=x',
    'constructor',
    ','.repeat(random.below(9_000)),
    'a,'.repeat(random.below(3_000)),
    `${'a'.repeat(random.below(9_000))}!`,
    `a in (${'b,'.repeat(random.below(2_000))})`,
    '(((((((((',
    'é=1',
  ]);
}

/** A query, with its question mark, or nothing. */
export function queryFor(random: Random, world: World, method: string): string {
  if (random.chance(method === 'GET' ? 0.45 : 0.75)) return '';
  const parts = Array.from({ length: 1 + random.below(4) }, () => random.pick(PARAMETERS)(random, world));
  // Without it a watch is open for half an hour.
  if (parts.some((part) => part.startsWith('watch'))) parts.push('timeoutSeconds=1');
  return `?${parts.join(random.pick(['&', '&', '&', '&', '&&', ';', '?']))}`;
}
