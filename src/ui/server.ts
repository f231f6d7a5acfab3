import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Clock } from '../core/clock.ts';
import type { Page } from '../kubelet-endpoint/ports.ts';
import { gaugeIn } from '../telemetry/metrics.ts';
import { Feed, type FeedSource } from './feed.ts';
import { EVENTS_PATH, EVENTS_TYPE, PAGE_FILES, type PageFile, pageHeaders, readPageFiles } from './files.ts';
import { EventStreams, type StreamLimits } from './streams.ts';

export interface PageOptions {
  readonly source: FeedSource;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits?: StreamLimits;
}

/** Registers the page's series. */
export function pageMetrics(registry: Registry, open: () => number): void {
  gaugeIn(registry, {
    name: 'nodeless_page_streams',
    help: 'Browsers that look at the page (docs/ui.md) and are told of changes.',
    collect: (gauge) => gauge.set(open()),
  });
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { ...pageHeaders('text/plain; charset=utf-8'), 'retry-after': '5' }).end(`${text}\n`);
}

function isPageFile(name: string): name is PageFile {
  return Object.hasOwn(PAGE_FILES, name);
}

/** Serves the page and its event streams to whoever was let in; files come from memory. */
export async function createPage({ source, registry, clock, logger, limits }: PageOptions): Promise<Page> {
  const files = await readPageFiles();
  const streams = new EventStreams({ feed: new Feed({ source, clock, logger }), clock, logger, limits });
  pageMetrics(registry, () => streams.open);

  function openStream(request: IncomingMessage, response: ServerResponse): void {
    if (!streams.hasRoom) {
      refuse(response, 503, 'too many browsers look at this page; close some, or try again');
      return;
    }
    response.writeHead(200, { ...pageHeaders(EVENTS_TYPE), 'x-accel-buffering': 'no' });
    if (request.method === 'HEAD') response.end();
    else streams.add(response);
  }

  function sendFile(name: string, request: IncomingMessage, response: ServerResponse): void {
    const file = isPageFile(name) ? files.get(name) : undefined;
    if (!isPageFile(name) || file === undefined) {
      refuse(response, 404, '404 page not found');
      return;
    }
    response.writeHead(200, { ...pageHeaders(PAGE_FILES[name].contentType), 'content-length': file.length });
    response.end(request.method === 'HEAD' ? undefined : file);
  }

  return {
    serve(name, request, response) {
      // Its files are found beside it, whatever the address is under which a proxy shows it.
      if (name === undefined) {
        response.writeHead(308, { location: 'ui/' }).end();
        return;
      }
      if (name === EVENTS_PATH) openStream(request, response);
      else sendFile(name, request, response);
    },
    stop: () => streams.stop(),
  };
}
