import { connect } from 'node:http2';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { foreignWords } from './judge.ts';
import type { World } from './world.ts';

/** How a path is watched: for as long as that lasts, or over and over from the last version that was told. */
export type Keeping = 'lasting' | 'resumed';

/** What the long watches of a hostile cell were told. */
export interface WatchFigures {
  /** Watches that were begun and answered with 200. */
  readonly begun: number;
  /** The longest that one was open. */
  readonly longestMs: number;
  /** Events by how and what was watched. */
  readonly events: Readonly<Record<Keeping, Readonly<Record<string, number>>>>;
  /** What was read and must not have been. */
  readonly leaks: readonly string[];
}

const LASTS_MS: Readonly<Record<Keeping, number>> = { lasting: 2 ** 31 - 1, resumed: 5_000 };
const REFUSED_PAUSE_MS = 2_000;
/** Words that are cut by the end of a piece are found with the next one. */
const OVERLAP = 512;

/** What a hostile kubelet might keep open: what it may, what is a victim's, and more than it may. */
function pathsOf({ own, agent, victims, virtualNode }: World): Readonly<Record<string, string>> {
  const named = (namespace: string, kind: string, name: string) =>
    `/api/v1/namespaces/${namespace}/${kind}?fieldSelector=metadata.name%3D${name}`;
  const all = [own, agent, ...victims];
  return {
    pods: `/api/v1/pods?fieldSelector=spec.nodeName%3D${virtualNode}`,
    'pods of the namespace': `/api/v1/namespaces/${own.namespace}/pods?fieldSelector=spec.nodeName%3D${virtualNode}`,
    ...Object.fromEntries(
      all.flatMap(({ namespace, secret, configMap, pod }) => [
        [`secret ${secret}`, named(namespace, 'secrets', secret)],
        [`configmap ${configMap}`, named(namespace, 'configmaps', configMap)],
        [`pod ${pod}`, named(namespace, 'pods', pod)],
      ]),
    ),
    secrets: `/api/v1/namespaces/${own.namespace}/secrets?`,
    node: `/api/v1/nodes?fieldSelector=metadata.name%3D${virtualNode}`,
    lease: `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases?fieldSelector=metadata.name%3D${virtualNode}`,
    services: '/api/v1/services?',
    endpointslices: '/apis/discovery.k8s.io/v1/endpointslices?',
  };
}

async function watchAll(world: World, signal: AbortSignal): Promise<WatchFigures> {
  const { host, port, identity, forbidden } = world;
  const tls = { ca: identity.caPem, cert: identity.pairPem, key: identity.pairPem, rejectUnauthorized: false };
  const open = () => connect(`https://${host}:${port}`, tls).on('error', () => undefined);
  let session = open();
  let begun = 0;
  let longestMs = 0;
  const events: Record<Keeping, Record<string, number>> = { lasting: {}, resumed: {} };
  const leaks = new Set<string>();

  /** Resolves with the last version that was told when the watch has ended. */
  function watchOnce(what: string, path: string, keeping: Keeping): Promise<string | undefined> {
    const told = events[keeping];
    if (session.closed || session.destroyed) session = open();
    return new Promise((resolve) => {
      const stream = session.request({ ':path': path, accept: 'application/json' });
      const startedAtMs = performance.now();
      const end = () => stream.close();
      const late = setTimeout(end, LASTS_MS[keeping]);
      signal.addEventListener('abort', end, { once: true });
      let status = 0;
      let tail = '';
      let version: string | undefined;
      stream.on('response', (headers) => {
        status = Number(headers[':status']);
        if (status === 200) begun += 1;
      });
      stream.on('data', (chunk: Buffer) => {
        const read = chunk.toString('latin1');
        for (const word of foreignWords(tail + read, path, forbidden)) leaks.add(`the watch of ${what}: ${word}`);
        if (status === 200)
          told[what] = (told[what] ?? 0) + (read.match(/"type":"(ADDED|MODIFIED|DELETED)"/g)?.length ?? 0);
        version = [...(tail + read).matchAll(/"resourceVersion":"(\d+)"/g)].at(-1)?.[1] ?? version;
        tail = (tail + read).slice(-OVERLAP);
      });
      stream.on('error', () => undefined);
      stream.on('close', () => {
        clearTimeout(late);
        signal.removeEventListener('abort', end);
        if (status === 200) longestMs = Math.max(longestMs, performance.now() - startedAtMs);
        resolve(status === 200 ? (version ?? '') : undefined);
      });
    });
  }

  async function keepWatching(what: string, path: string, keeping: Keeping): Promise<void> {
    let version: string | undefined;
    while (!signal.aborted) {
      const from = version === undefined || version === '' ? '' : `&resourceVersion=${version}`;
      version = await watchOnce(what, `${path}&watch=1&allowWatchBookmarks=true${from}`, keeping);
      if (version === undefined) await delay(REFUSED_PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  await Promise.all(
    Object.entries(pathsOf(world)).flatMap(([what, path]) => [
      keepWatching(what, path, 'lasting'),
      keepWatching(what, path, 'resumed'),
    ]),
  );
  session.destroy();
  return { begun, longestMs: Math.round(longestMs), events, leaks: [...leaks] };
}

const stopped = new AbortController();
process.on('SIGTERM', () => stopped.abort());
const world = JSON.parse(await text(process.stdin)) as World;
process.stdout.write(JSON.stringify(await watchAll(world, stopped.signal)));
process.exit(0);
