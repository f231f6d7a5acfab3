/** What a request asks for. Authorization and dispatch both go by this value, so that they can't disagree. */
export type Route =
  | ({ readonly kind: 'containerLogs' } & PodRequest)
  | ({ readonly kind: StreamKind } & PodRequest)
  | { readonly kind: PlainKind; readonly query: string }
  /** What a cell's machine has written to its console; among the logs of the system, as far as a virtual node has one. */
  | { readonly kind: 'console'; readonly cellId: string }
  /** The page for people: one of its files, or undefined for its address without the slash at the end. */
  | { readonly kind: 'ui'; readonly file: string | undefined }
  | { readonly kind: 'refused'; readonly subresource: Subresource; readonly status: 404 | 405; readonly text: string }
  /** A path that means nothing to a kubelet, or whose names no object can have. */
  | { readonly kind: 'malformed'; readonly text: string };

/** What is asked of one pod. */
interface PodRequest {
  readonly pod: PodPath;
  /** As it came, but for the cell. */
  readonly query: string;
  /** Id of the cell that is asked, of a pod that every cell has: query parameter `cell`, which no kubelet knows. */
  readonly cellId?: string;
}

export const STREAM_KINDS = ['exec', 'attach', 'portForward'] as const;
type StreamKind = (typeof STREAM_KINDS)[number];

/** Routes that the endpoint answers itself, by their path. */
const PLAIN = {
  '/pods': 'pods',
  '/runningpods': 'runningpods',
  '/stats/summary': 'stats/summary',
  '/metrics': 'metrics',
  '/metrics/cadvisor': 'metrics/cadvisor',
  '/metrics/resource': 'metrics/resource',
  '/metrics/probes': 'metrics/probes',
  '/healthz': 'healthz',
  '/healthz/ping': 'healthz',
  '/healthz/log': 'healthz',
  '/healthz/syncloop': 'healthz',
  '/configz': 'configz',
} as const;
export type PlainKind = (typeof PLAIN)[keyof typeof PLAIN];

/** Subresources of `nodes` that a kubelet authorizes by. */
export type Subresource =
  | 'pods'
  | 'healthz'
  | 'configz'
  | 'stats'
  | 'metrics'
  | 'log'
  | 'checkpoint'
  | 'statusz'
  | 'proxy';

/** The names in a path, checked and decoded, and the path to ask the cell's kubelet for. */
export interface PodPath {
  readonly namespace: string;
  readonly name: string;
  readonly uid?: string;
  readonly container?: string;
  /** Built anew from the checked names. */
  readonly path: string;
}

const CELL_PARAMETER = 'cell=';
const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const SUBDOMAIN = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const UID = /^[A-Za-z0-9]([-A-Za-z0-9]{0,126}[A-Za-z0-9])?$/;

function malformed(text: string): Route {
  return { kind: 'malformed', text };
}

/** Each segment decoded once; undefined when one is not valid percent-encoding. */
function decodeSegments(segments: readonly string[]): string[] | undefined {
  try {
    return segments.map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

function isStreamKind(kind: string): kind is StreamKind {
  return (STREAM_KINDS as readonly string[]).includes(kind);
}

/** `ns/pod[/uid]` for portForward, `ns/pod[/uid]/container` for exec and attach, `ns/pod/container` for logs. */
function podPath(kind: StreamKind | 'containerLogs', segments: readonly string[]): PodPath | string {
  const names = decodeSegments(segments);
  if (names === undefined) return 'the path is not valid percent-encoding';
  const [namespace = '', name = '', ...rest] = names;
  const container = kind === 'portForward' ? undefined : rest.pop();
  const uid = kind === 'containerLogs' ? undefined : rest.pop();
  if (rest.length > 0) return `too many names after /${kind}`;
  if (!LABEL.test(namespace)) return 'the namespace is missing or is not a name';
  if (!SUBDOMAIN.test(name)) return 'the pod is missing or is not a name';
  if (kind !== 'portForward' && !LABEL.test(container ?? '')) return 'the container is missing or is not a name';
  if (uid !== undefined && !UID.test(uid)) return 'the pod uid is not one';
  const optional = { ...(uid === undefined ? {} : { uid }), ...(container === undefined ? {} : { container }) };
  const path = [kind, namespace, name, ...Object.values(optional)].join('/');
  return { namespace, name, ...optional, path: `/${path}` };
}

/** Takes the cell out of a query. */
function withoutCell(query: string): Pick<PodRequest, 'query' | 'cellId'> | string {
  const parameters = query === '' ? [] : query.slice(1).split('&');
  const named = parameters.filter((one) => one.startsWith(CELL_PARAMETER));
  const [cell] = named;
  if (cell === undefined) return { query };
  const cellId = cell.slice(CELL_PARAMETER.length);
  if (named.length > 1 || !LABEL.test(cellId)) return 'the cell is not an id';
  const rest = parameters.filter((one) => one !== cell).join('&');
  return { query: rest === '' ? '' : `?${rest}`, cellId };
}

/** Only the first segment's spelling as it stands counts: an encoded one is no route of ours. */
function refusedRoute(first: string): Route {
  const absent = { kind: 'refused', status: 404, text: '404 page not found' } as const;
  switch (first) {
    case 'run':
      return { ...absent, subresource: 'proxy', status: 405, text: 'run is not served; use exec' };
    case 'checkpoint':
      return { ...absent, subresource: 'checkpoint' };
    case 'logs':
      return { ...absent, subresource: 'log', text: 'a virtual node has no system logs but /logs/console/CELL' };
    case 'statusz':
      return { ...absent, subresource: 'statusz' };
    case 'flagz':
    case 'configz':
      return { ...absent, subresource: 'configz' };
    case 'metrics':
      return { ...absent, subresource: 'metrics' };
    case 'stats':
      return { ...absent, subresource: 'stats' };
    default:
      return { ...absent, subresource: 'proxy' };
  }
}

/** `/logs/console/CELL`; a virtual node has no other logs. */
function consoleRoute(segments: readonly string[]): Route {
  const [name, cellId = '', ...rest] = segments;
  if (name !== 'console' || rest.length > 0) return refusedRoute('logs');
  return LABEL.test(cellId) ? { kind: 'console', cellId } : malformed('the cell is not an id');
}

/** Reads a request target (`req.url`) as a kubelet's server does. Pure, and total: whatever comes, a route comes out. */
export function routeOf(target: string): Route {
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = mark < 0 ? '' : target.slice(mark);
  if (!path.startsWith('/')) return malformed('the request target is not a path');
  const [first = '', ...segments] = path.slice(1).split('/');
  if (first === 'containerLogs' || isStreamKind(first)) {
    const pod = podPath(first, segments);
    if (typeof pod === 'string') return malformed(pod);
    const asked = withoutCell(query);
    return typeof asked === 'string' ? malformed(asked) : { kind: first, pod, ...asked };
  }
  if (first === 'logs') return consoleRoute(segments);
  if (first === 'ui') return { kind: 'ui', file: segments.length === 0 ? undefined : segments.join('/') };
  const plain = Object.entries(PLAIN).find(([known]) => known === path || `${known}/` === path);
  return plain === undefined ? refusedRoute(first) : { kind: plain[1], query };
}

/** The subresources of which one must be allowed, in the order that a kubelet tries them (KubeletFineGrainedAuthz). */
export function subresourcesOf(route: Route): readonly Subresource[] {
  switch (route.kind) {
    case 'pods':
    case 'runningpods':
      return ['pods', 'proxy'];
    case 'healthz':
      return ['healthz', 'proxy'];
    case 'configz':
      return ['configz', 'proxy'];
    case 'stats/summary':
      return ['stats'];
    case 'metrics':
    case 'metrics/cadvisor':
    case 'metrics/resource':
    case 'metrics/probes':
    // It shows a little more than metrics do: why pods got their cells or none, in the words of their events, and how the API
    // server is. Whoever may read a node's metrics is trusted with that.
    case 'ui':
      return ['metrics'];
    case 'console':
      return ['log'];
    case 'refused':
      return [route.subresource];
    default:
      return ['proxy'];
  }
}
