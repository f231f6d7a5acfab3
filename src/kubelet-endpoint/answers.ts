import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';

/** A whole answer of the endpoint's own. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

const compress = promisify(gzip);
/** Less than a packet is not worth it. */
const MIN_COMPRESSED_BYTES = 1_400;

export function text(status: number, body: string): Answer {
  return { status, contentType: 'text/plain; charset=utf-8', body };
}

export function json(value: unknown): Answer {
  return { status: 200, contentType: 'application/json', body: JSON.stringify(value) };
}

function acceptsGzip(header: string | undefined): boolean {
  const coding = (header ?? '').split(',').find((part) => /^\s*gzip\s*(;|$)/.test(part));
  return coding !== undefined && !/;\s*q=0(\.0*)?\s*$/.test(coding);
}

/** Writes an answer, compressed where the caller takes that, and without its body to HEAD. */
export async function writeAnswer(request: IncomingMessage, response: ServerResponse, answer: Answer): Promise<void> {
  const plain = Buffer.from(answer.body);
  const compressed = plain.length >= MIN_COMPRESSED_BYTES && acceptsGzip(request.headers['accept-encoding']);
  const body = compressed ? await compress(plain, { level: constants.Z_BEST_SPEED }) : plain;
  if (response.destroyed) return;
  response.writeHead(answer.status, {
    'content-type': answer.contentType,
    'x-content-type-options': 'nosniff',
    'content-length': body.length,
    ...(compressed ? { 'content-encoding': 'gzip' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
