import type { Random } from '../random.ts';
import type { World } from '../world.ts';
import { type Body, bodyFor } from './bodies.ts';
import { headersFor } from './headers.ts';
import { disfigured } from './mutations.ts';
import { queryFor } from './queries.ts';
import { type Target, targetIn } from './targets.ts';

export type Transport = 'http2' | 'http1' | 'raw';

/** One request, as bytes go out: nothing in it is tidied up on the way. */
export interface FuzzRequest {
  readonly transport: Transport;
  readonly method: string;
  /** Path and query, or whatever stands in their place. */
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer | undefined;
  /** What it is about, for the summary. */
  readonly kind: string;
  /** True when it names an object of a victim. */
  readonly aimed: boolean;
}

const METHODS = ['GET', 'GET', 'GET', 'GET', 'POST', 'PUT', 'PATCH', 'PATCH', 'DELETE'] as const;
const ODD_METHODS = [
  'HEAD',
  'OPTIONS',
  'TRACE',
  'CONNECT',
  'PURGE',
  'get',
  'PROPFIND',
  'M-SEARCH',
  'X',
  'GETT',
] as const;

/** Writes that would end the attacker's own cell are tried, but not carried out. */
function harmless(method: string, target: Target, query: string): string {
  return target.own && target.path.includes('/pods') && method !== 'GET' ? '?dryRun=All' : query;
}

function transportOf(random: Random): Transport {
  const roll = random.next();
  return roll < 0.7 ? 'http2' : roll < 0.97 ? 'http1' : 'raw';
}

/** The request of a seed: the same for the same world. */
export function requestOf(random: Random, world: World): FuzzRequest {
  const transport = transportOf(random);
  const target = targetIn(random, world);
  const method = random.chance(0.04) ? random.pick(ODD_METHODS) : (target.method ?? random.pick(METHODS));
  const query = harmless(method, target, queryFor(random, world, method));
  const twisted = random.chance(0.3);
  const path = twisted ? disfigured(random, target.path, { raw: transport === 'raw', world }) : target.path;
  const body: Body | undefined =
    ['GET', 'HEAD'].includes(method) && random.chance(0.95) ? undefined : bodyFor(random, world, target);
  const headers = headersFor(random, { world, body, raw: transport === 'raw' });
  return {
    transport,
    method,
    url: `${path}${query}`,
    headers,
    body: body?.bytes,
    kind: twisted ? `${target.kind} (path twisted)` : target.kind,
    aimed: target.aimed,
  };
}
