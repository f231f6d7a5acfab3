import type { KubeClient } from '../../kube/client.ts';
import type { CellContext, CellHandler } from '../context.ts';
import type { Reply } from '../http/answer.ts';
import { onlyField } from '../http/list-options.ts';
import { badRequest, forbidden } from '../http/refusal.ts';
import { pathOf } from '../http/target.ts';
import { getReply, type Kind, listReply, watchReply } from './collection-replies.ts';
import type { PodFeed } from './pod-feed.ts';
import { isReferenced } from './references.ts';
import type { SharedWatches } from './shared-watches.ts';

export interface ReferencedObjectOptions {
  readonly feed: PodFeed;
  readonly kind: Kind;
  readonly reference: 'secrets' | 'configMaps';
  readonly watches: SharedWatches;
  /** A client that is the virtual node to the API server: its Node authorizer then bounds this code too. */
  readonly nodeClient: KubeClient;
}

/** GET, list and watch of single Secrets or ConfigMaps that the cell's own pods refer to. */
export function referencedObjects(options: ReferencedObjectOptions): CellHandler {
  const { feed, reference } = options;
  return async (context) => {
    const { namespace } = context.target;
    const name = context.target.name ?? onlyField(context.options, 'metadata.name');
    const isOwn = (): boolean =>
      name !== undefined && isReferenced(feed.podsOf(context.session), reference, namespace, name);
    if (name === undefined || !isOwn()) throw forbidden();
    if (context.options.labels.text !== '') throw badRequest('no label selector is supported here');
    return serve(options, context, name, isOwn);
  };
}

async function serve(
  options: ReferencedObjectOptions,
  context: CellContext,
  name: string,
  isOwn: () => boolean,
): Promise<Reply> {
  const { kind, watches, nodeClient } = options;
  const { name: _, ...collectionTarget } = context.target;
  const source = {
    client: nodeClient,
    path: pathOf(collectionTarget),
    query: { fieldSelector: `metadata.name=${name}` },
  };
  const { collection, release } = await watches.acquireSynced(source, context.signal);
  try {
    if (context.verb === 'watch') {
      return watchReply({ kind, collection, review: isOwn, onEnd: release }, context.options.resourceVersion);
    }
    const reply =
      context.verb === 'get'
        ? getReply({ kind, collection }, context.target.namespace, name)
        : listReply({ kind, collection });
    release();
    return reply;
  } catch (error) {
    release();
    throw error;
  }
}
