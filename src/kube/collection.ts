import type { Logger } from 'pino';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { KubeClient } from './client.ts';
import { type ListWatchSink, runListWatch } from './list-watch.ts';
import { type KubeObject, revisionOf } from './objects.ts';

export interface Change<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: T;
}

export type Listener<T> = (change: Change<T>) => void;

/** Deletions that are remembered for watches that resume; older resumptions are told to list again. */
const TOMBSTONES = 1_000;

function keyOf(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`;
}

/** What readers need of a collection. */
export interface CollectionReader<T> {
  /** True once a first list has come; until then nothing here may be taken for the truth. */
  readonly synced: boolean;
  readonly whenSynced: Promise<void>;
  /** The newest resourceVersion seen. */
  readonly resourceVersion: string;
  items(): IterableIterator<T>;
  get(namespace: string | undefined, name: string): T | undefined;
  /** Calls back on each change from now on, whatever other listeners throw; the returned function ends that. */
  subscribe(listener: (change: Change<T>) => void): () => void;
  /**
   * What changed after a resourceVersion, each object once in its latest state (an update may come as ADDED;
   * clients of the Kubernetes API treat the two alike), or `expired` when that version is unknown here.
   */
  changesSince(resourceVersion: string): readonly Change<T>[] | 'expired';
}

/**
 * One collection of the API server in memory, fed by one list-watch and read by many: lists, gets, and watches
 * that resume from a resourceVersion. Objects are shared and must not be changed.
 */
export class Collection<T extends KubeObject> implements ListWatchSink<T>, CollectionReader<T> {
  readonly #objects = new Map<string, T>();
  readonly #listeners = new Set<Listener<T>>();
  readonly #tombstones: { revision: number; object: T }[] = [];
  readonly #synced = Promise.withResolvers<void>();
  /** Resumptions from before this revision can't be answered. */
  #floor = Number.POSITIVE_INFINITY;
  #revision = Number.NaN;
  #isSynced = false;
  readonly #onListenerError: (error: unknown, change: Change<T>) => void;

  /** `onListenerError` is told of a listener that threw; the others are called all the same. */
  constructor(onListenerError: (error: unknown, change: Change<T>) => void = () => undefined) {
    this.#onListenerError = onListenerError;
  }

  get synced(): boolean {
    return this.#isSynced;
  }

  get whenSynced(): Promise<void> {
    return this.#synced.promise;
  }

  get resourceVersion(): string {
    return String(this.#revision);
  }

  items(): IterableIterator<T> {
    return this.#objects.values();
  }

  get size(): number {
    return this.#objects.size;
  }

  get(namespace: string | undefined, name: string): T | undefined {
    return this.#objects.get(keyOf(namespace, name));
  }

  subscribe(listener: Listener<T>): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  changesSince(resourceVersion: string): readonly Change<T>[] | 'expired' {
    const since = Number(resourceVersion);
    if (!(since >= this.#floor && since <= this.#revision)) return 'expired';
    const gone = this.#tombstones.filter(({ revision }) => revision > since);
    const changed = [...this.#objects.values()].filter((object) => revisionOf(object) > since);
    return [
      ...gone.map(({ object, revision }) => ({ revision, change: { type: 'DELETED' as const, object } })),
      ...changed.map((object) => ({ revision: revisionOf(object), change: { type: 'MODIFIED' as const, object } })),
    ]
      .sort((a, b) => a.revision - b.revision)
      .map(({ change }) => change);
  }

  replace(items: readonly T[], resourceVersion: string): void {
    const revision = Number(resourceVersion);
    const present = new Map(items.map((item) => [keyOf(item.metadata.namespace, item.metadata.name), item]));
    for (const [key, old] of this.#objects) {
      const now = present.get(key);
      if (now === undefined || now.metadata.uid !== old.metadata.uid) this.#remove(key, old, revision);
    }
    this.#revision = revision;
    if (!this.#isSynced) this.#floor = revision;
    for (const [key, item] of present) this.#put(key, item);
    this.#isSynced = true;
    this.#synced.resolve();
  }

  apply(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): void {
    const key = keyOf(object.metadata.namespace, object.metadata.name);
    const revision = revisionOf(object);
    this.#revision = Math.max(this.#revision, revision);
    if (type === 'DELETED') this.#remove(key, object, revision);
    else this.#put(key, object);
  }

  bookmark(resourceVersion: string): void {
    this.#revision = Math.max(this.#revision, Number(resourceVersion));
  }

  #put(key: string, object: T): void {
    const old = this.#objects.get(key);
    if (old !== undefined && revisionOf(old) === revisionOf(object)) return;
    this.#objects.set(key, object);
    this.#notify({ type: old === undefined ? 'ADDED' : 'MODIFIED', object });
  }

  #remove(key: string, object: T, revision: number): void {
    if (!this.#objects.delete(key)) return;
    const atDeletion = { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
    this.#tombstones.push({ revision, object: atDeletion });
    if (this.#tombstones.length > TOMBSTONES) this.#floor = this.#tombstones.shift()?.revision ?? this.#floor;
    this.#notify({ type: 'DELETED', object: atDeletion });
  }

  #notify(change: Change<T>): void {
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (error) {
        this.#onListenerError(error, change);
      }
    }
  }
}

export interface CollectionSource {
  readonly client: KubeClient;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A collection that is kept equal to the API server's until the signal aborts. */
export function startCollection<T extends KubeObject>(source: CollectionSource, signal: AbortSignal): Collection<T> {
  const { path, logger } = source;
  const collection = new Collection<T>((error, { type, object }) => {
    const { namespace, name } = object.metadata;
    logger.error({ path, type, namespace, name, reason: messageOf(error) }, 'a listener failed on a change');
  });
  void runListWatch<T>({ ...source, sink: collection }, signal);
  return collection;
}
