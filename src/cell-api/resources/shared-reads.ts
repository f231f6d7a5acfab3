import type { Clock } from '../../core/clock.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { KubeObject } from '../../kube/objects.ts';
import type { CellHandler } from '../context.ts';
import type { Reply } from '../http/answer.ts';
import type { ListOptions } from '../http/list-options.ts';
import { badRequest, forbidden, tooMany } from '../http/refusal.ts';
import type { CellSession } from '../session.ts';
import { type CollectionView, getReply, type Kind, listReply, watchReply } from './collection-replies.ts';
import type { SharedWatches } from './shared-watches.ts';

export interface SharedReadOptions {
  readonly client: KubeClient;
  readonly watches: SharedWatches;
  readonly kind: Kind;
  /** Of the collection over all namespaces. */
  readonly path: string;
  readonly namespaced: boolean;
  /** Fields that can be selected on, and how they are read. */
  readonly selectable?: Selectable;
  readonly clock: Clock;
}

/** Of one cell: a kubelet has one of each of five collections, and for a moment two. */
const MAX_COLLECTION_WATCHES = 16;

export type Selectable = Readonly<Record<string, (object: KubeObject) => unknown>>;

/** @throws Refusal 400 for a field that can not be selected on */
function selectorOf({ fields, labels }: ListOptions, selectable: Selectable): (object: KubeObject) => boolean {
  const tests = fields.map(({ field, equal, value }) => {
    const read = Object.hasOwn(selectable, field) ? selectable[field] : undefined;
    if (read === undefined) throw badRequest('field selector is not supported here');
    return (object: KubeObject): boolean => ((read(object) ?? '') === value) === equal;
  });
  return (object) => labels.matches(object.metadata.labels) && tests.every((holds) => holds(object));
}

/** @throws Refusal 429 for a cell that has as many watches as it may have */
function requireRoom({ collectionWatches }: CellSession): void {
  if (collectionWatches >= MAX_COLLECTION_WATCHES) throw tooMany('the cell watches too many collections');
}

/** A watch that counts with its cell until it ends. */
function counted(session: CellSession, view: CollectionView, resourceVersion: string): Reply {
  // Others may have begun since it was asked for.
  requireRoom(session);
  const onEnd = () => {
    session.collectionWatches -= 1;
  };
  const reply = watchReply({ ...view, onEnd }, resourceVersion);
  session.collectionWatches += 1;
  return reply;
}

/** GET, list and watch of what every node of the cluster may read; one upstream watch, started at the first use. */
export function sharedReads({
  client,
  watches,
  kind,
  path,
  namespaced,
  selectable = {},
  clock,
}: SharedReadOptions): CellHandler {
  return async (context) => {
    const { target, options, verb, signal, session } = context;
    if (target.subresource !== undefined || (target.namespace !== undefined) !== (namespaced && verb === 'get')) {
      throw forbidden('not-allowed');
    }
    const looksAtAll = verb !== 'get';
    if (looksAtAll && !session.collectionBucket.take(clock.now())) throw tooMany('the cell lists too often');
    if (verb === 'watch') requireRoom(session);
    const selects = selectorOf(options, selectable);
    const { collection, release } = await watches.acquireSynced({ client, path }, signal);
    release();
    if (verb === 'get') return getReply({ kind, collection }, target.namespace, target.name ?? '');
    if (verb === 'list') return listReply({ kind, collection, selects });
    if (verb === 'watch') return counted(session, { kind, collection, selects }, options.resourceVersion);
    throw forbidden('not-allowed');
  };
}
