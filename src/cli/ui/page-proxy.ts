import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { messageOf, NodelessError } from '../../core/errors.ts';
import type { KubeClient } from '../../kube/client.ts';
import { EVENTS_PATH, EVENTS_TYPE, PAGE_FILES, pageHeaders } from '../../ui/files.ts';
import { beginningOf } from '../beginning-of.ts';
import { pagePath } from './virtual-nodes.ts';

/** No other machine is to reach what is asked for under the user's own credential. */
const HOST = '127.0.0.1';
/** What is shown of a refusal. */
const MAX_REFUSAL_CHARACTERS = 2_000;

export interface PageProxyOptions {
  readonly client: KubeClient;
  /** The virtual nodes whose pages are shown, each under its name. */
  readonly nodes: readonly string[];
  /** 0 takes any free one. */
  readonly port: number;
}

export interface PageProxy {
  /** Where the page of a node is, for people. */
  urlOf(node: string): string;
  /** Ends streams and frees the port. */
  stop(): Promise<void>;
}

function contentTypeOf(file: string): string | undefined {
  if (file === EVENTS_PATH) return EVENTS_TYPE;
  return Object.entries(PAGE_FILES).find(([name]) => name === file)?.[1].contentType;
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, pageHeaders('text/plain; charset=utf-8')).end(`${text}\n`);
}

/**
 * Serves the pages of virtual nodes on loopback, by way of the API server. Only their own files are passed on, and only to who calls
 * this machine by its own name: a web site that has its name point here does not. @throws NodelessError PortInUse
 */
export async function startPageProxy({ client, nodes, port }: PageProxyOptions): Promise<PageProxy> {
  const ending = new AbortController();
  let names: readonly string[] = [];

  async function pass(node: string, file: string, contentType: string, response: ServerResponse): Promise<void> {
    const left = new AbortController();
    response.once('close', () => left.abort());
    const signal = AbortSignal.any([left.signal, ending.signal]);
    try {
      const answer = await client.stream({ method: 'GET', path: pagePath(node, file), accept: contentType, signal });
      if (answer.status !== 200) {
        refuse(response, answer.status, await beginningOf(answer.body, MAX_REFUSAL_CHARACTERS));
        return;
      }
      response.writeHead(200, pageHeaders(contentType));
      await pipeline(answer.body, response, { signal });
    } catch (error) {
      if (response.headersSent) response.destroy();
      else if (!signal.aborted) refuse(response, 502, messageOf(error));
    }
  }

  function handle({ method, headers, url = '' }: IncomingMessage, response: ServerResponse): void {
    const [, node = '', file = ''] = /^\/([^/?]+)\/([^/?]*)$/.exec(url) ?? [];
    const contentType = contentTypeOf(file);
    if (!names.includes(headers.host ?? '')) refuse(response, 421, `this is ${names.join(' or ')}`);
    else if (method !== 'GET') refuse(response, 405, '405: Method Not Allowed');
    else if (url === '/') response.writeHead(302, { location: `/${nodes[0]}/` }).end();
    else if (!nodes.includes(node) || contentType === undefined) refuse(response, 404, '404 page not found');
    else void pass(node, file, contentType, response);
  }

  const server = createServer(handle);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const message = `the page can not be shown on ${HOST} port ${port} (${messageOf(cause)}); --port 0 takes any free one`;
      reject(new NodelessError({ code: 'PortInUse', message, cause, identity: { port } }));
    });
    server.listen({ host: HOST, port }, resolve);
  });
  const { port: taken } = server.address() as AddressInfo;
  names = [`${HOST}:${taken}`, `localhost:${taken}`];
  return {
    urlOf: (node) => `http://${HOST}:${taken}/${node}/`,
    async stop() {
      ending.abort();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
