import type { Change } from '../../kube/collection.ts';
import { type KubeObject, revisionOf } from '../../kube/objects.ts';
import type { CellContext, CellHandler } from '../context.ts';
import type { Reply } from '../http/answer.ts';
import { onlyField } from '../http/list-options.ts';
import { badRequest, expired, forbidden, notFound } from '../http/refusal.ts';
import type { CellSession } from '../session.ts';
import { bookmarkBytes, eventBytes, listBytes, objectBytes } from '../watch/event-bytes.ts';
import type { OpenWatch } from '../watch/open-watch.ts';
import type { PodFeed } from './pod-feed.ts';

export interface PodReadOptions {
  readonly feed: PodFeed;
  readonly virtualNode: string;
}

/** GET of a pod, and list and watch of exactly the cell's own. */
export function podReads(options: PodReadOptions): CellHandler {
  const { feed, virtualNode } = options;
  return (context) => {
    if (context.verb === 'get') return getPod(feed, context);
    feed.requireKnown(context.session);
    if (context.target.namespace !== undefined || onlyField(context.options, 'spec.nodeName') !== virtualNode) {
      throw forbidden('not-allowed');
    }
    if (context.options.labels.text !== '') throw badRequest('pods can not be selected by label here');
    return context.verb === 'list' ? listPods(feed, context.session) : watchPods(feed, context);
  };
}

function getPod(feed: PodFeed, context: CellContext): Reply {
  const { namespace, name = '' } = context.target;
  const pod = feed.podNamed(context.session, namespace, name);
  if (pod !== undefined) return { status: 200, body: objectBytes(pod) };
  feed.requireKnown(context.session);
  throw feed.hadPod(context.session, namespace, name) ? notFound('pods', name) : forbidden();
}

function listPods(feed: PodFeed, session: CellSession): Reply {
  return { status: 200, body: listBytes('v1', 'Pod', feed.resourceVersion, feed.podsOf(session)) };
}

function watchPods(feed: PodFeed, context: CellContext): Reply {
  const { resourceVersion } = context.options;
  const fromNow = resourceVersion === '' || resourceVersion === '0';
  const changes = fromNow ? [] : feed.changesSince(resourceVersion);
  if (changes === 'expired') throw expired();
  const deleted = changes.filter(
    ({ type, object }) => type === 'DELETED' && isKnown(context.session, object.metadata.uid),
  );
  const view = new PodView(feed, context.session);
  return {
    watch: {
      begin: (watch) => {
        for (const { object } of deleted) watch.send(eventBytes('DELETED', object));
        for (const pod of feed.takenFrom(context.session)) {
          watch.send(eventBytes('DELETED', pod));
          watch.bookmarkSoon();
        }
        return view.start(watch);
      },
      review: () => view.review(),
      bookmark: () => bookmarkBytes('v1', 'Pod', feed.resourceVersion),
    },
  };
}

function isKnown(session: CellSession, uid: string | undefined): boolean {
  return uid !== undefined && session.shown.has(uid);
}

/**
 * One cell's view of its pods. A hand-over may fall between a cell's list and its watch, when the pod's own
 * version is older than the list's; so each watch begins with all of the cell's pods. To a kubelet a repeated
 * ADDED is nothing, a missing one fatal. A bookmark then brings the client's version forward again.
 */
class PodView {
  readonly #feed: PodFeed;
  readonly #session: CellSession;
  readonly #ends = new Map<string, () => void>();
  #watch: OpenWatch | undefined;

  constructor(feed: PodFeed, session: CellSession) {
    this.#feed = feed;
    this.#session = session;
  }

  start(watch: OpenWatch): () => void {
    this.#watch = watch;
    const endNotices = this.#feed.onShown(this.#session, (uid) => this.#look(uid));
    this.review();
    return () => {
      endNotices();
      for (const end of this.#ends.values()) end();
      this.#ends.clear();
    };
  }

  /** Adds what is not followed yet: all at the start, and whatever a notice might have missed. */
  review(): boolean {
    for (const uid of this.#feed.uidsOf(this.#session)) if (!this.#ends.has(uid)) this.#add(uid);
    return true;
  }

  #look(uid: string): void {
    if (this.#feed.uidsOf(this.#session).has(uid)) this.#add(uid);
    else this.#drop(uid);
  }

  #add(uid: string): void {
    if (!this.#ends.has(uid))
      this.#ends.set(
        uid,
        this.#feed.follow(uid, (change, onlyStatus) => this.#changed(change, onlyStatus)),
      );
    const pod = this.#feed.byUid(uid);
    if (pod === undefined) return;
    this.#changed({ type: 'ADDED', object: pod });
    if (revisionOf(pod) < Number(this.#feed.resourceVersion)) this.#watch?.bookmarkSoon();
  }

  /** The cell has an agent no more, though it is there still. */
  #drop(uid: string): void {
    this.#ends.get(uid)?.();
    const pod = this.#feed.byUid(uid);
    if (this.#ends.delete(uid) && pod !== undefined) this.#watch?.send(eventBytes('DELETED', pod));
  }

  #changed({ type, object }: Change<KubeObject>, onlyStatus?: () => boolean): void {
    this.#feed.shown(this.#session, object);
    const isAgent = this.#feed.isAgent(this.#session, object);
    // An agent's status is the sum over all cells, and changes with each of them.
    if (isAgent && onlyStatus?.() === true) return;
    this.#watch?.send(eventBytes(type, isAgent ? this.#feed.show(this.#session, object) : object));
  }
}
