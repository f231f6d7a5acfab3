/** Stands for the machines of many cells, apart from what is measured: each has a kubelet's HTTPS side, and one pod. */
import type { PodIdentity } from '../../src/kubelet-endpoint/ports.ts';
import { type EndpointTls, recordedPages, serveKubeletPages } from './hollow/endpoint.ts';

/** What the parent sends. */
export interface ServeOrder {
  readonly tls: EndpointTls;
  readonly pods: readonly PodIdentity[];
}

process.once('message', async ({ tls, pods }: ServeOrder) => {
  const pages = await recordedPages();
  process.send?.(await Promise.all(pods.map((pod) => serveKubeletPages(tls, pod, pages))));
});
process.once('disconnect', () => process.exit(0));
