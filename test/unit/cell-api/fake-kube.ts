import { PassThrough, type Readable } from 'node:stream';
import type { Impersonation, KubeClient, KubeRequest, KubeResponse } from '../../../src/kube/client.ts';
import type { KubeObject } from '../../../src/kube/objects.ts';

/** An API server's memory behind the KubeClient interface: collections by path, ordered versions, watches. */
export class FakeKube {
  readonly requests: (KubeRequest & { readonly user: string })[] = [];
  readonly #objects = new Map<string, KubeObject>();
  readonly #watches = new Set<{ path: string; name: string | undefined; stream: PassThrough }>();
  #revision = 100;
  /** Answers instead of the store when it returns something. */
  intercept: (request: KubeRequest, user: string) => KubeResponse | Promise<KubeResponse> | undefined = () => undefined;

  get revision(): string {
    return String(this.#revision);
  }

  put(collection: string, object: KubeObject): KubeObject {
    const path = `${collection}/${object.metadata.name}`;
    const existed = this.#objects.has(path);
    const stored = {
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(++this.#revision) },
    };
    this.#objects.set(path, stored);
    this.#tell(collection, existed ? 'MODIFIED' : 'ADDED', stored);
    return stored;
  }

  remove(collection: string, name: string): void {
    const object = this.#objects.get(`${collection}/${name}`);
    if (object === undefined) return;
    this.#objects.delete(`${collection}/${name}`);
    const gone = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#revision) } };
    this.#tell(collection, 'DELETED', gone);
  }

  get(collection: string, name: string): KubeObject | undefined {
    return this.#objects.get(`${collection}/${name}`);
  }

  watchesOf(path: string): number {
    return [...this.#watches].filter((watch) => watch.path === path).length;
  }

  client(user = 'provider'): KubeClient {
    return {
      request: async (request) => this.#answer(request, user),
      stream: async (request) => this.#watch(request, user),
      as: (identity: Impersonation) => this.client(identity.user),
      close: async () => undefined,
    };
  }

  #tell(collection: string, type: string, object: KubeObject): void {
    for (const { path, name, stream } of this.#watches) {
      const covers = path === collection || allNamespaces(collection) === path;
      if (covers && (name === undefined || name === object.metadata.name)) {
        stream.write(`${JSON.stringify({ type, object })}\n`);
      }
    }
  }

  #answer(request: KubeRequest, user: string): KubeResponse | Promise<KubeResponse> {
    this.requests.push({ ...request, user });
    const { method, path, body } = request;
    const intercepted = this.intercept(request, user);
    if (intercepted !== undefined) return intercepted;
    if (method === 'POST') {
      const object = body as KubeObject;
      if (object.metadata === undefined) return response(201, object);
      if (this.#objects.has(`${path}/${object.metadata.name}`)) return response(409, { kind: 'Status', code: 409 });
      return response(201, this.put(path, object));
    }
    const found = this.#objects.get(path.replace(/\/status$/, ''));
    if (method === 'GET' && found === undefined && !this.#isObjectPath(path)) return response(200, this.#list(request));
    if (found === undefined) return response(404, { kind: 'Status', code: 404, reason: 'NotFound' });
    if (method === 'PATCH') {
      const collection = path.replace(/\/[^/]+(\/status)?$/, '');
      return response(200, this.put(collection, { ...found, ...(body as object), metadata: found.metadata }));
    }
    return response(200, found);
  }

  #isObjectPath(path: string): boolean {
    return (
      path
        .replace('/namespaces/x', '')
        .replace(/\/namespaces\/[^/]+/, '')
        .split('/').length > (path.startsWith('/apis') ? 5 : 4)
    );
  }

  #list({ path, query }: KubeRequest): object {
    const name = /metadata\.name=(.*)/.exec(query?.fieldSelector ?? '')?.[1];
    const items = [...this.#objects]
      .filter(([key]) => collectionOf(key) === path || allNamespaces(collectionOf(key)) === path)
      .map(([, object]) => object)
      .filter(({ metadata }) => name === undefined || metadata.name === name);
    const kind = items[0]?.kind ?? 'Thing';
    return {
      kind: `${kind}List`,
      apiVersion: items[0]?.apiVersion ?? 'v1',
      metadata: { resourceVersion: this.revision },
      items,
    };
  }

  #watch(request: KubeRequest, user: string): { status: number; body: Readable } {
    this.requests.push({ ...request, user });
    const name = /metadata\.name=(.*)/.exec(request.query?.fieldSelector ?? '')?.[1];
    const watch = { path: request.path, name, stream: new PassThrough() };
    this.#watches.add(watch);
    request.signal?.addEventListener('abort', () => {
      this.#watches.delete(watch);
      watch.stream.destroy();
    });
    watch.stream.on('error', () => undefined);
    return { status: 200, body: watch.stream };
  }
}

function collectionOf(objectPath: string): string {
  return objectPath.replace(/\/[^/]+$/, '');
}

function allNamespaces(collection: string): string {
  return collection.replace(/\/namespaces\/[^/]+/, '');
}

function response(status: number, body: unknown): KubeResponse {
  return { status, contentType: 'application/json', body: Buffer.from(JSON.stringify(body)) };
}
