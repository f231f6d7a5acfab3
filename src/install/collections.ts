import { setTimeout as delay } from 'node:timers/promises';
import { NodelessError } from '../core/errors.ts';
import { GROUP } from '../core/names.ts';
import { call, isStatus } from '../kube/calls.ts';
import type { KubeClient } from '../kube/client.ts';
import type { KubeObject } from '../kube/objects.ts';

interface Resource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

/** Where the API server keeps an object, and what authorization calls its kind. */
export interface Place {
  readonly path: string;
  readonly group: string;
  readonly resource: string;
  readonly namespace?: string;
}

/** How long a definition that was just applied may take until its kind is served. */
const ESTABLISHED_MS = 15_000;

function remedyOf({ apiVersion = '' }: KubeObject): string {
  return apiVersion.startsWith('monitoring.coreos.com/')
    ? 'install the Prometheus operator first, or leave --monitors out'
    : 'Nodeless needs a newer Kubernetes';
}

/** Where objects are kept, by the API server's own word, which is asked for once for each version of a group. */
export class Collections {
  readonly #client: KubeClient;
  readonly #known = new Map<string, Promise<readonly Resource[]>>();

  constructor(client: KubeClient) {
    this.#client = client;
  }

  /** Kinds that come with what is installed, and so may not be there before. */
  static isOwn({ apiVersion = '' }: KubeObject): boolean {
    return apiVersion.startsWith(`${GROUP}/`);
  }

  async #resources(root: string): Promise<readonly Resource[]> {
    const known = this.#known.get(root);
    if (known !== undefined) return known;
    const asked = call<{ readonly resources: readonly Resource[] }>(this.#client, { method: 'GET', path: root }).then(
      ({ resources }) => resources,
      (error: unknown) => {
        if (isStatus(error, 404)) return [];
        this.#known.delete(root);
        throw error;
      },
    );
    this.#known.set(root, asked);
    return asked;
  }

  /** Where an object is kept, or undefined where its kind is not served. */
  async find({ apiVersion = 'v1', kind, metadata }: KubeObject): Promise<Place | undefined> {
    const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
    const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    const resources = await this.#resources(root);
    const resource = resources.find(({ name, kind: its }) => its === kind && !name.includes('/'));
    if (resource === undefined) {
      this.#known.delete(root);
      return undefined;
    }
    const namespace = resource.namespaced ? (metadata.namespace ?? 'default') : undefined;
    const within = namespace === undefined ? '' : `/namespaces/${namespace}`;
    return {
      path: `${root}${within}/${resource.name}/${metadata.name}`,
      group: group ?? '',
      resource: resource.name,
      ...(namespace === undefined ? {} : { namespace }),
    };
  }

  /**
   * The same of a kind that is served now, or soon where it comes with what is installed.
   * @throws NodelessError NotFound
   */
  async place(object: KubeObject): Promise<Place> {
    const deadlineMs = Date.now() + (Collections.isOwn(object) ? ESTABLISHED_MS : 0);
    for (;;) {
      const place = await this.find(object);
      if (place !== undefined) return place;
      if (Date.now() > deadlineMs) {
        const message = `the cluster has no ${object.kind} of ${object.apiVersion}; ${remedyOf(object)}`;
        throw new NodelessError({ code: 'NotFound', message });
      }
      await delay(200);
    }
  }
}
