import type { CollectionReader } from '../../kube/collection.ts';
import type { KubeObject } from '../../kube/objects.ts';
import type { Reply } from '../http/answer.ts';
import { expired, notFound } from '../http/refusal.ts';
import { bookmarkBytes, eventBytes, listBytes, objectBytes } from '../watch/event-bytes.ts';

/** A kind as lists and bookmarks name it. */
export interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
  /** Plural. */
  readonly resource: string;
}

export interface CollectionView {
  readonly kind: Kind;
  readonly collection: CollectionReader<KubeObject>;
  /** Which objects the request selects; all of them unless given. */
  readonly selects?: (object: KubeObject) => boolean;
}

export interface CollectionWatch extends CollectionView {
  readonly review?: () => boolean;
  /** Called once, when the watch has ended. */
  readonly onEnd?: () => void;
}

const everything = (): boolean => true;

/** GET of one object. @throws Refusal 404 */
export function getReply(view: CollectionView, namespace: string | undefined, name: string): Reply {
  const object = view.collection.get(namespace, name);
  if (object === undefined) throw notFound(view.kind.resource, name);
  return { status: 200, body: objectBytes(object) };
}

/** All that is seen, in one page. */
export function listReply(view: CollectionView): Reply {
  const { collection, kind, selects = everything } = view;
  const items = [...collection.items()].filter(selects);
  return { status: 200, body: listBytes(kind.apiVersion, kind.kind, collection.resourceVersion, items) };
}

/**
 * A watch from a version on. An object that is not selected any more is told as DELETED, as the real server does;
 * on resumption it is told so even to a client that never had it, which is harmless.
 * @throws Refusal 410
 */
export function watchReply(view: CollectionWatch, resourceVersion: string): Reply {
  const { collection, kind, selects = everything, review, onEnd } = view;
  const fromStart = resourceVersion === '' || resourceVersion === '0';
  const changes = fromStart
    ? [...collection.items()].map((object) => ({ type: 'ADDED' as const, object }))
    : collection.changesSince(resourceVersion);
  if (changes === 'expired') throw expired();
  return {
    watch: {
      begin: (watch) => {
        for (const { type, object } of changes) {
          const selected = selects(object);
          if (selected || !fromStart) watch.send(eventBytes(selected ? type : 'DELETED', object));
        }
        const unsubscribe = collection.subscribe(({ type, object }) => {
          watch.send(eventBytes(selects(object) ? type : 'DELETED', object));
        });
        return () => {
          unsubscribe();
          onEnd?.();
        };
      },
      bookmark: () => bookmarkBytes(kind.apiVersion, kind.kind, collection.resourceVersion),
      ...(review === undefined ? {} : { review }),
    },
  };
}
