import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { cellFolder } from './cells.ts';
import { toolsOf } from './kubectl.ts';

/** PEM of whom the cell API knows one by, and of the authority that it is known by. */
export interface Identity {
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
  readonly token?: string;
}

export interface StolenCell {
  readonly id: string;
  readonly address: string;
  readonly folder: string;
  /** Certificate and key of its kubelet, within the folder. */
  readonly pem: string;
  readonly identity: Identity;
}

export interface Reply {
  readonly status: number;
  readonly body: { kind?: string; reason?: string; items?: unknown[]; data?: Record<string, string> } & Record<
    string,
    unknown
  >;
}

/** Where the cell API of a local cluster listens. */
export async function cellApiUrl(clusterName: string): Promise<string> {
  const { kubectl } = toolsOf(clusterName);
  return `https://${await kubectl('get', 'node', 'nodeless', '-o', 'jsonpath={.status.addresses[0].address}')}:8443`;
}

/** What a thief of the disk of a pod's cell has: its certificate, key and token. */
export async function stealCell(clusterName: string, podName: string): Promise<StolenCell> {
  const { metadata, status } = await toolsOf(clusterName).get<{
    metadata: { annotations: Record<string, string> };
    status: { hostIP: string };
  }>('pod', podName);
  const id = metadata.annotations['nodeless.io/cell'] ?? '';
  const folder = cellFolder(clusterName, id);
  const files = await readdir(folder, { recursive: true });
  const pem = files.find((file) => file.endsWith('kubelet-client-current.pem')) ?? '';
  const both = await readFile(join(folder, pem), 'utf8');
  const ca = await readFile(join(folder, files.find((file) => file.endsWith('ca.crt')) ?? ''), 'utf8');
  const token = (await readFile(join(folder, 'token'), 'utf8')).trim();
  return { id, address: status.hostIP, folder, pem, identity: { ca, cert: both, key: both, token } };
}

/** Asks the cell API with a certificate, or with a token when there is none. */
export async function askCellApi(
  url: string,
  { ca, cert, key, token }: Identity,
  { path, method = 'GET', body }: { readonly path: string; readonly method?: 'GET' | 'POST'; readonly body?: unknown },
): Promise<Reply> {
  const dispatcher = new Agent({ connect: { ca, ...(cert === undefined ? {} : { cert, key }) }, allowH2: false });
  try {
    const response = await request(`${url}${path}`, {
      method,
      dispatcher,
      headers: {
        'content-type': 'application/json',
        ...(cert === undefined && token !== undefined ? { authorization: `Bearer ${token}` } : {}),
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await response.body.text();
    return { status: response.statusCode, body: text.startsWith('{') ? JSON.parse(text) : { text } };
  } finally {
    await dispatcher.destroy();
  }
}
