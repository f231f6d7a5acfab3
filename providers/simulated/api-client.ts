import { text } from 'node:stream/consumers';
import { StringDecoder } from 'node:string_decoder';
import { NodelessError } from '../../src/core/errors.ts';
import type { Connections } from './connections.ts';

/** Kubernetes JSON, as far as a simulated kubelet looks into it. */
export interface KubeObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly deletionTimestamp?: string;
    readonly creationTimestamp?: string;
  };
  readonly [field: string]: unknown;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** The calls of one cell to the cell API. */
export interface CellApiClient {
  call(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body: unknown,
    signal: AbortSignal,
  ): Promise<ApiAnswer>;
  /** The lines of a watch, parsed, until the server ends it. @throws NodelessError when it is refused. */
  watch(path: string, signal: AbortSignal): AsyncGenerator<unknown>;
}

const CALL_TIMEOUT_MS = 15_000;

function failed(method: string, path: string, status: number): NodelessError {
  return new NodelessError({
    code: status === 410 ? 'Expired' : 'KubeRequestFailed',
    retryable: status === 429 || status >= 500,
    message: `${method} ${path} was answered with ${status}`,
    identity: { status },
  });
}

async function* parsedLines(body: AsyncIterable<Buffer>): AsyncGenerator<unknown> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of body) {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield JSON.parse(line);
  }
}

/** The calls of one cell over connections that may be shared while it has only its token. */
export function openCellApi(connections: Connections, token?: string): CellApiClient {
  const headers = (type?: string): Record<string, string> => ({
    accept: 'application/json',
    'user-agent': 'kubelet/simulated',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(type === undefined ? {} : { 'content-type': type }),
  });
  return {
    async call(method, path, body, signal) {
      const type = method === 'PATCH' ? 'application/strategic-merge-patch+json' : 'application/json';
      const answer = await connections.request({
        method,
        path,
        headers: headers(body === undefined ? undefined : type),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]),
      });
      const said = await text(answer.body);
      if (answer.status >= 500 || answer.status === 429) throw failed(method, path, answer.status);
      return { status: answer.status, body: said === '' ? undefined : JSON.parse(said) };
    },
    async *watch(path, signal) {
      const { status, body } = await connections.request({ method: 'GET', path, headers: headers(), signal });
      if (status !== 200) {
        body.destroy();
        throw failed('WATCH', path, status);
      }
      yield* parsedLines(body);
    },
  };
}

/** The body of a 2xx answer. @throws NodelessError KubeRequestFailed (with the status as identity) for any other. */
export function must<T>(answer: ApiAnswer, what: string): T {
  if (answer.status >= 200 && answer.status < 300) return answer.body as T;
  throw failed(what, '', answer.status);
}
