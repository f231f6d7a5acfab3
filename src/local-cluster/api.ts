import { readFile } from 'node:fs/promises';
import { Agent, request } from 'undici';
import { parse } from 'yaml';
import { NodelessError } from '../core/errors.ts';

/** The few calls that bringing a cluster up takes, with an identity's kubeconfig. */
export interface ClusterApi {
  /** Status and parsed body of a call; rejects only when the server can't be reached. */
  call(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<ApiAnswer>;
  /** Like `call`, but rejects with KubeRequestFailed unless the status is 2xx or one of `accepted`. */
  must(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    body?: unknown,
    accepted?: readonly number[],
  ): Promise<unknown>;
  close(): Promise<void>;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

interface Kubeconfig {
  readonly clusters: readonly [
    { readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string } },
  ];
  readonly users: readonly [
    { readonly user: { readonly 'client-certificate-data': string; readonly 'client-key-data': string } },
  ];
}

const CALL_TIMEOUT_MS = 10_000;

function decode(base64: string): Buffer {
  return Buffer.from(base64, 'base64');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Opens a connection pool with one of the cluster's own kubeconfigs. */
export async function openApi(kubeconfigFile: string, signal: AbortSignal): Promise<ClusterApi> {
  const config = parse(await readFile(kubeconfigFile, 'utf8')) as Kubeconfig;
  const { cluster } = config.clusters[0];
  const { user } = config.users[0];
  const dispatcher = new Agent({
    connect: {
      ca: decode(cluster['certificate-authority-data']),
      cert: decode(user['client-certificate-data']),
      key: decode(user['client-key-data']),
      timeout: 2_000,
    },
  });
  const call: ClusterApi['call'] = async (method, path, body) => {
    const response = await request(cluster.server + path, {
      method,
      dispatcher,
      signal: AbortSignal.any([signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]),
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    return { status: response.statusCode, body: parsed(await response.body.text()) };
  };
  return {
    call,
    async must(method, path, body, accepted = []) {
      const answer = await call(method, path, body);
      if ((answer.status >= 200 && answer.status < 300) || accepted.includes(answer.status)) return answer.body;
      throw new NodelessError({
        code: 'KubeRequestFailed',
        message: `${method} ${path} was answered with ${answer.status}: ${JSON.stringify(answer.body)}`,
      });
    },
    close: () => dispatcher.destroy(),
  };
}
