import { Refusal } from './refusal.ts';

/** What a Kubernetes API path names. */
export interface Target {
  /** `` for the core group. */
  readonly group: string;
  readonly version: string;
  readonly namespace?: string;
  /** Plural, such as `pods`. */
  readonly resource: string;
  readonly name?: string;
  readonly subresource?: string;
}

/** `/api/v1/...` is a resource; anything else that is known is a plain path. */
export type ParsedPath = { readonly target: Target } | { readonly plain: string };

/** Kubernetes names, CSR names of kubelets (base64url) and RBAC-like names; nothing that needs decoding. */
const SEGMENT = /^[A-Za-z0-9][A-Za-z0-9._:~-]*$/;
const MAX_PATH = 1_024;

function unknownPath(): Refusal {
  return new Refusal(404, 'the server could not find the requested resource', { denial: 'bad-path' });
}

/**
 * Splits a request's raw path. Deliberately stricter than HTTP: percent-encoding, empty segments, `.` and `..`,
 * backslashes and absolute URLs are refused, so that no two readers of a path can differ on what it names.
 * @throws Refusal 404
 */
export function parsePath(rawPath: string): ParsedPath {
  if (!rawPath.startsWith('/') || rawPath.length > MAX_PATH) throw unknownPath();
  const segments = rawPath.slice(1).split('/');
  if (!segments.every((segment) => SEGMENT.test(segment))) throw unknownPath();
  if (segments[0] === 'api' && segments.length > 2) return { target: targetOf('', segments[1], segments.slice(2)) };
  if (segments[0] === 'apis' && segments.length > 3) {
    return { target: targetOf(segments[1] ?? '', segments[2], segments.slice(3)) };
  }
  return { plain: rawPath };
}

function targetOf(group: string, version = '', rest: readonly string[]): Target {
  const namespaced = rest[0] === 'namespaces' && rest.length > 2;
  const [resource, name, subresource, beyond] = namespaced ? rest.slice(2) : rest;
  if (resource === undefined || beyond !== undefined) throw unknownPath();
  return {
    group,
    version,
    resource,
    ...(namespaced && rest[1] !== undefined ? { namespace: rest[1] } : {}),
    ...(name === undefined ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource }),
  };
}

/** The path upstream of a target; its parts have passed `parsePath` and need no encoding. */
export function pathOf(target: Target): string {
  const root = target.group === '' ? `/api/${target.version}` : `/apis/${target.group}/${target.version}`;
  const { namespace, resource, name, subresource } = target;
  return [root, ...(namespace === undefined ? [] : ['namespaces', namespace]), resource, name, subresource]
    .filter((part) => part !== undefined)
    .join('/');
}

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

/** The Kubernetes verb of a request, or undefined for a method that the API does not have. */
export function verbOf(method: string, target: Target, watch: boolean): Verb | undefined {
  const named = target.name !== undefined;
  switch (method) {
    case 'GET':
      return named ? 'get' : watch ? 'watch' : 'list';
    case 'POST':
      return named && target.subresource === undefined ? undefined : 'create';
    case 'PUT':
      return named ? 'update' : undefined;
    case 'PATCH':
      return named ? 'patch' : undefined;
    case 'DELETE':
      return named ? 'delete' : 'deletecollection';
    default:
      return undefined;
  }
}
