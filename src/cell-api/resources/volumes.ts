import type { KubeClient } from '../../kube/client.ts';
import type { CellContext, CellHandler } from '../context.ts';
import { relayed } from '../http/answer.ts';
import { forbidden } from '../http/refusal.ts';
import { pathOf } from '../http/target.ts';
import { askUpstream } from '../upstream.ts';
import type { PodFeed } from './pod-feed.ts';
import { isReferenced, referencesOf } from './references.ts';

export interface VolumeOptions {
  readonly feed: PodFeed;
  readonly nodeClient: KubeClient;
}

/** GET of the claims that the cell's own pods mount. */
export function persistentVolumeClaims({ feed, nodeClient }: VolumeOptions): CellHandler {
  return async (context) => {
    const { target, session } = context;
    if (!isReferenced(feed.podsOf(session), 'claims', target.namespace, target.name ?? '')) throw forbidden();
    return relayed(await askUpstream(nodeClient, context, { method: 'GET', path: pathOf(target) }));
  };
}

/** GET of the volumes behind those claims. */
export function persistentVolumes({ feed, nodeClient }: VolumeOptions): CellHandler {
  return async (context) => {
    const names = await volumeNames(feed, nodeClient, context);
    if (!names.includes(context.target.name)) throw forbidden();
    return relayed(await askUpstream(nodeClient, context, { method: 'GET', path: pathOf(context.target) }));
  };
}

/** One request per claim: only node cells have any, a few each, and kubelets ask rarely. */
async function volumeNames(feed: PodFeed, client: KubeClient, context: CellContext): Promise<(string | undefined)[]> {
  const paths = feed
    .podsOf(context.session)
    .flatMap((pod) =>
      [...referencesOf(pod).claims].map(
        (claim) => `/api/v1/namespaces/${pod.metadata.namespace}/persistentvolumeclaims/${claim}`,
      ),
    );
  return Promise.all(
    paths.map(async (path) => {
      const response = await askUpstream(client, context, { method: 'GET', path });
      if (response.status !== 200) return undefined;
      return (JSON.parse(response.body.toString()) as { spec?: { volumeName?: string } }).spec?.volumeName;
    }),
  );
}
