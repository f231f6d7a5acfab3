import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import type { PodIdentity } from '../../../src/kubelet-endpoint/ports.ts';

/** What a kubelet's HTTPS side serves with; PEM. */
export interface EndpointTls {
  readonly cert: string;
  readonly key: string;
  /** Authority of the client certificates that are let in. */
  readonly ca: string;
}

/** Path of each page, and the file beside this one that a stock kubelet of a cell with one pod has given for it. */
const PAGES: Readonly<Record<string, string>> = {
  '/metrics/cadvisor': 'cadvisor.txt.gz',
  '/metrics/resource': 'resource.txt.gz',
  '/metrics/probes': 'probes.txt.gz',
  '/stats/summary': 'summary.json.gz',
};

/** The pod of the recorded pages, in whose place each hollow kubelet puts its own. */
const RECORDED: PodIdentity = {
  namespace: 'default',
  name: 'web-74759847f4-qlv9v',
  uid: 'RECORDED_UID',
};

export type Pages = ReadonlyMap<string, string>;

/** The recorded pages, by path. */
export async function recordedPages(): Promise<Pages> {
  const read = async ([path, file]: readonly [string, string]) =>
    [path, gunzipSync(await readFile(new URL(`pages/${file}`, import.meta.url))).toString()] as const;
  return new Map(await Promise.all(Object.entries(PAGES).map(read)));
}

/** A recorded page as the kubelet of another pod gives it. Names of the same length keep its size. */
export function pageFor(page: string, pod: PodIdentity): string {
  return page.replaceAll(RECORDED.uid, pod.uid).replaceAll(RECORDED.name, pod.name);
}

/** Serves a kubelet's pages about one pod on a port of its own, to clients that its authority knows; resolves with the port. */
export async function serveKubeletPages(tls: EndpointTls, pod: PodIdentity, pages: Pages): Promise<number> {
  const secure = { ...tls, requestCert: true, rejectUnauthorized: true };
  const server = createServer(secure, (request, response) => {
    const page = pages.get(new URL(request.url ?? '/', 'https://kubelet').pathname);
    if (page === undefined) response.writeHead(404).end();
    else response.end(pageFor(page, pod));
  });
  // As a kubelet's idle timeout.
  server.keepAliveTimeout = 90_000;
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
