/** Any Kubernetes object. */
export interface KubeObject {
  kind?: string;
  apiVersion?: string;
  metadata: { name: string; namespace?: string; uid?: string; resourceVersion?: string; [key: string]: unknown };
  [key: string]: unknown;
}

interface StoreEvent {
  readonly version: number;
  readonly collection: string;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubeObject;
}

type Listener = (event: StoreEvent) => void;

/** Objects by collection path, with the history that watches begin from. */
export interface StandInStore {
  readonly version: () => number;
  list(collection: string): readonly KubeObject[];
  get(collection: string, name: string): KubeObject | undefined;
  put(collection: string, object: KubeObject): KubeObject;
  remove(collection: string, name: string): KubeObject | undefined;
  /** Events of the collection after `version`, then those to come. Returns the function that ends it. */
  follow(collection: string, version: number, listener: Listener): () => void;
}

export function createStandInStore(): StandInStore {
  const collections = new Map<string, Map<string, KubeObject>>();
  const history: StoreEvent[] = [];
  const listeners = new Set<Listener>();
  let version = 1;
  const collectionOf = (path: string) => {
    const found = collections.get(path) ?? new Map<string, KubeObject>();
    collections.set(path, found);
    return found;
  };
  const publish = (type: StoreEvent['type'], collection: string, object: KubeObject) => {
    version += 1;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    const event = { version, collection, type, object: stored };
    history.push(event);
    for (const listener of listeners) listener(event);
    return stored;
  };
  return {
    version: () => version,
    list: (path) => [...collectionOf(path).values()],
    get: (path, name) => collectionOf(path).get(name),
    put(path, object) {
      const known = collectionOf(path).has(object.metadata.name);
      const stored = publish(known ? 'MODIFIED' : 'ADDED', path, object);
      collectionOf(path).set(object.metadata.name, stored);
      return stored;
    },
    remove(path, name) {
      const object = collectionOf(path).get(name);
      if (object === undefined) return undefined;
      collectionOf(path).delete(name);
      return publish('DELETED', path, object);
    },
    follow(path, since, listener) {
      const mine: Listener = (event) => {
        if (event.collection === path) listener(event);
      };
      for (const event of history) if (event.version > since) mine(event);
      listeners.add(mine);
      return () => listeners.delete(mine);
    },
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A merge patch, except that lists of conditions are merged by their `type`: what kubelets send needs no more. */
export function merged(base: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const result: Record<string, unknown> = { ...(isRecord(base) ? base : {}) };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else if (key.startsWith('$')) continue;
    else if (key === 'conditions' && Array.isArray(value) && Array.isArray(result[key])) {
      const byType = new Map(
        (result[key] as { type: string }[]).map((condition) => [condition.type, condition] as const),
      );
      for (const condition of value as { type: string }[]) {
        byType.set(condition.type, merged(byType.get(condition.type), condition) as { type: string });
      }
      result[key] = [...byType.values()];
    } else result[key] = merged(result[key], value);
  }
  return result;
}
