import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { KubeClient } from '../kube/client.ts';

/** What an API server says of itself. */
export interface ApiServerHealth {
  readonly answers: boolean;
  readonly version?: string;
  /** Its own checks that pass, and the names of those that do not. */
  readonly passed: number;
  readonly failed: readonly string[];
  /** Its check of etcd; undefined where it does not tell. */
  readonly etcd?: boolean;
  /** Why nothing is known. */
  readonly reason?: string;
}

const TIMEOUT_MS = 5_000;
const CHECK = /^\[([+-])\](\S+)/gm;

/** Reads the verbose text of `/readyz`: a line for each check, `[+]etcd ok` or `[-]etcd failed: reason withheld`. */
export function healthOf(text: string): Pick<ApiServerHealth, 'passed' | 'failed' | 'etcd'> {
  const checks = [...text.matchAll(CHECK)].map(([, sign, name = '']) => ({ name, ok: sign === '+' }));
  const etcd = checks.filter(({ name }) => name === 'etcd' || name === 'etcd-readiness');
  return {
    passed: checks.filter(({ ok }) => ok).length,
    failed: checks.filter(({ ok }) => !ok).map(({ name }) => name),
    ...(etcd.length === 0 ? {} : { etcd: etcd.every(({ ok }) => ok) }),
  };
}

/** Asks an API server how it is, which every authenticated user may (system:public-info-viewer). Never rejects. */
async function askHealth(client: KubeClient, signal: AbortSignal): Promise<ApiServerHealth> {
  const get = (path: string, query = {}) =>
    client.request({ method: 'GET', path, query, accept: '*/*', timeoutMs: TIMEOUT_MS, signal });
  try {
    const [ready, version] = await Promise.all([get('/readyz', { verbose: '' }), get('/version')]);
    const { gitVersion } = JSON.parse(version.body.toString()) as { readonly gitVersion?: string };
    const told = { answers: true, ...(gitVersion === undefined ? {} : { version: gitVersion }) };
    if (ready.status === 401 || ready.status === 403)
      return { ...told, passed: 0, failed: [], reason: 'it does not say how it is to a node' };
    return { ...told, ...healthOf(ready.body.toString()) };
  } catch (error) {
    return { answers: false, passed: 0, failed: [], reason: messageOf(error) };
  }
}

/** Asks at once and then now and again, until the signal aborts. */
export async function followApiServer(
  options: {
    readonly client: KubeClient;
    readonly clock: Clock;
    readonly everyMs: number;
    readonly onTold: (health: ApiServerHealth) => void;
  },
  signal: AbortSignal,
): Promise<void> {
  const { client, clock, everyMs, onTold } = options;
  while (!signal.aborted) {
    const health = await askHealth(client, signal);
    if (signal.aborted) return;
    onTold(health);
    await clock.sleep(everyMs, signal).catch(() => undefined);
  }
}
