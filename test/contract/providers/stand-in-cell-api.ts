import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { createStandInAuthority } from './stand-in-authority.ts';
import { createStandInStore, type KubeObject, merged, type StandInStore } from './stand-in-store.ts';

const CSRS = '/apis/certificates.k8s.io/v1/certificatesigningrequests';

/** One request that reached the stand-in. */
interface StandInRequest {
  readonly method: string;
  readonly url: string;
  readonly token?: string;
  /** Common name of the caller's certificate. */
  readonly user?: string;
  readonly remoteAddress: string;
  readonly keyFingerprint?: string;
  readonly atMs: number;
}

/** What becomes of a certificate request: signed and then no answer, or a refusal with this status. */
type Mishap = 'answer lost' | number;

/** A small API server for one or many cells: everything is allowed, everything is kept in memory. */
export interface StandInCellApi {
  readonly url: string;
  readonly caPem: string;
  readonly store: StandInStore;
  readonly requests: readonly StandInRequest[];
  /** What befalls the next certificate requests that show a token, in turn. */
  readonly mishaps: Mishap[];
  /** The first request that `matches`, already made or to come. */
  request(matches: (request: StandInRequest) => boolean, deadlineMs: number): Promise<StandInRequest>;
  /** A client certificate that kubelets of this authority accept. */
  close(): Promise<void>;
}

interface Target {
  readonly collection: string;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

/** `/api/v1/namespaces/ns/pods/name/status` → the collection `/api/v1/pods` (namespaces are not kept apart). */
function targetOf(path: string): Target {
  const segments = path.split('/').filter(Boolean);
  const prefix = segments.slice(0, segments[0] === 'api' ? 2 : 3);
  let rest = segments.slice(prefix.length);
  if (rest[0] === 'namespaces' && rest.length > 2) rest = rest.slice(2);
  return { collection: `/${[...prefix, rest[0] ?? ''].join('/')}`, name: rest[1], subresource: rest[2] };
}

const KINDS: Readonly<Record<string, string>> = {
  certificatesigningrequests: 'CertificateSigningRequest',
  csidrivers: 'CSIDriver',
  nodes: 'Node',
  pods: 'Pod',
  runtimeclasses: 'RuntimeClass',
  services: 'Service',
};

/** A client takes a list of another kind for an empty one. */
function listKindOf(collection: string): { readonly kind: string; readonly apiVersion: string } {
  const segments = collection.split('/').filter(Boolean);
  const apiVersion = segments.slice(1, -1).join('/');
  return { kind: `${KINDS[segments.at(-1) ?? ''] ?? ''}List`, apiVersion };
}

function selects(selector: string | null, object: KubeObject): boolean {
  return (selector ?? '')
    .split(',')
    .filter(Boolean)
    .every((term) => {
      const [path = '', value] = term.split('=').filter(Boolean);
      const actual = path.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], object);
      return actual === value;
    });
}

async function bodyOf(request: Http2ServerRequest): Promise<KubeObject> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return (text === '' ? {} : JSON.parse(text)) as KubeObject;
}

function answer(response: Http2ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function failure(response: Http2ServerResponse, code: number, reason: string): void {
  answer(response, code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, code });
}

export async function startStandInCellApi(
  options: { readonly address?: string; readonly pods?: readonly KubeObject[] } = {},
): Promise<StandInCellApi> {
  const authority = await createStandInAuthority();
  const store = createStandInStore();
  const requests: StandInRequest[] = [];
  const mishaps: Mishap[] = [];
  const waiting = new Set<() => void>();
  const address = options.address ?? '127.0.0.1';
  for (const pod of options.pods ?? []) store.put('/api/v1/pods', pod);

  /** No object: there is one of that name, as a cluster's own API server says of a repetition. */
  async function certificateRequest(
    csr: KubeObject,
  ): Promise<{ readonly object?: KubeObject; readonly fingerprint: string }> {
    const spec = csr.spec as { request: string; signerName: string };
    const usage = spec.signerName === 'kubernetes.io/kubelet-serving' ? 'server' : 'client';
    const { certPem, fingerprint } = await authority.sign(Buffer.from(spec.request, 'base64').toString(), usage);
    if (csr.metadata.name !== undefined && store.get(CSRS, csr.metadata.name) !== undefined) return { fingerprint };
    const name = csr.metadata.name ?? `${csr.metadata.generateName}${store.version()}`;
    const object = store.put(CSRS, {
      ...csr,
      metadata: { ...csr.metadata, name, uid: name },
      status: {
        certificate: Buffer.from(certPem).toString('base64'),
        conditions: [{ type: 'Approved', status: 'True' }],
      },
    });
    return { object, fingerprint };
  }

  function watch(url: URL, collection: string, response: Http2ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/json' });
    // Sends the headers: clients of either HTTP wait for them.
    response.write('');
    const selector = url.searchParams.get('fieldSelector');
    const since = Number(url.searchParams.get('resourceVersion') ?? store.version());
    const end = store.follow(collection, since, ({ type, object }) => {
      if (selects(selector, object)) response.write(`${JSON.stringify({ type, object })}\n`);
    });
    response.on('close', end);
  }

  function get(url: URL, { collection, name }: Target, response: Http2ServerResponse): void {
    if (name !== undefined) {
      const object = store.get(collection, name);
      if (object === undefined) failure(response, 404, 'NotFound');
      else answer(response, 200, object);
    } else if (url.searchParams.get('watch') !== null) watch(url, collection, response);
    else {
      const items = store.list(collection).filter((item) => selects(url.searchParams.get('fieldSelector'), item));
      answer(response, 200, {
        ...listKindOf(collection),
        metadata: { resourceVersion: String(store.version()) },
        items,
      });
    }
  }

  function patch(target: Target, body: KubeObject, response: Http2ServerResponse): void {
    const current = store.get(target.collection, target.name ?? '');
    if (current === undefined) failure(response, 404, 'NotFound');
    else answer(response, 200, store.put(target.collection, merged(current, body) as KubeObject));
  }

  async function handle(request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'https://stand-in');
    const target = targetOf(url.pathname);
    const body = await bodyOf(request);
    const isCsr = request.method === 'POST' && target.collection === CSRS;
    const token = request.headers.authorization?.replace('Bearer ', '');
    const mishap = isCsr && token !== undefined ? mishaps.shift() : undefined;
    if (typeof mishap === 'number') return failure(response, mishap, 'Mishap');
    const signed = isCsr ? await certificateRequest(body) : undefined;
    const user = (request.socket as TLSSocket).getPeerCertificate?.()?.subject?.CN;
    requests.push({
      method: request.method ?? '',
      url: request.url ?? '',
      remoteAddress: request.socket.remoteAddress ?? '',
      atMs: Date.now(),
      ...(token === undefined ? {} : { token }),
      ...(user === undefined ? {} : { user: String(user) }),
      ...(signed === undefined ? {} : { keyFingerprint: signed.fingerprint }),
    });
    for (const look of waiting) look();
    if (mishap === 'answer lost') return void request.socket.destroy();
    if (signed?.object !== undefined) return answer(response, 201, signed.object);
    if (signed !== undefined) return failure(response, 409, 'AlreadyExists');
    if (request.method === 'GET') return get(url, target, response);
    if (request.method === 'PATCH') return patch(target, body, response);
    if (request.method === 'DELETE') {
      const removed = store.remove(target.collection, target.name ?? '');
      return removed === undefined ? failure(response, 404, 'NotFound') : answer(response, 200, removed);
    }
    if (/reviews$/.test(target.collection)) {
      const status = { allowed: true, authenticated: true, user: { username: 'stand-in' } };
      return answer(response, 201, { ...body, status });
    }
    if (target.subresource === 'token') return answer(response, 201, { ...body, status: { token: 'stand-in' } });
    if (target.name !== undefined) body.metadata.name = target.name;
    return answer(response, request.method === 'POST' ? 201 : 200, store.put(target.collection, body));
  }

  const { cert, key } = await authority.serverCertificate([address]);
  const tls = { cert, key, ca: authority.caPem, requestCert: true, rejectUnauthorized: false };
  const server = createSecureServer({ ...tls, allowHTTP1: true }, (request, response) => {
    handle(request, response).catch(() => failure(response, 500, 'InternalError'));
  });
  const sockets = new Set<Duplex>();
  for (const event of ['connection', 'secureConnection']) {
    server.on(event, (socket: Duplex) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
  }
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  return {
    url: `https://${address}:${(server.address() as AddressInfo).port}`,
    caPem: authority.caPem,
    store,
    requests,
    mishaps,
    async request(matches, deadlineMs) {
      const { promise, resolve, reject } = Promise.withResolvers<StandInRequest>();
      const look = () => {
        const found = requests.find(matches);
        if (found !== undefined) resolve(found);
      };
      const timer = setTimeout(() => {
        const seen = requests.slice(-5).map(({ method, url }) => `${method} ${url}`);
        reject(new Error(`no such request within ${deadlineMs} ms; the last ones: ${seen.join(', ')}`));
      }, deadlineMs);
      waiting.add(look);
      look();
      return promise.finally(() => {
        waiting.delete(look);
        clearTimeout(timer);
      });
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
