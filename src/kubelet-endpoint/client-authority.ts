import type { Logger } from 'pino';
import { createBackoff } from '../core/backoff.ts';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { getOrUndefined } from '../kube/calls.ts';
import type { KubeClient } from '../kube/client.ts';

export interface ClientAuthorityOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called with the authority's PEM whenever it is not the one before; undefined where the cluster has none. */
  readonly onChange: (pem: string | undefined) => void;
}

const PATH = '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication';
const REFRESH_MS = 300_000;

async function read(client: KubeClient, signal: AbortSignal): Promise<string | undefined> {
  const map = await getOrUndefined<{ data?: Record<string, string> }>(client, PATH, signal);
  const pem = map?.data?.['client-ca-file'];
  return pem === undefined || pem.trim() === '' ? undefined : pem;
}

/** Keeps up with the cluster's authority for client certificates until the signal aborts. */
export async function followClientAuthority(options: ClientAuthorityOptions, signal: AbortSignal): Promise<void> {
  const { client, clock, logger, onChange } = options;
  const backoff = createBackoff(500, 60_000);
  let current: { readonly pem: string | undefined } | undefined;
  let failing = false;
  while (!signal.aborted) {
    let pauseMs = REFRESH_MS;
    try {
      const pem = await read(client, signal);
      if (current === undefined || current.pem !== pem) onChange(pem);
      if (pem === undefined && (current === undefined || current.pem !== undefined)) {
        logger.warn({ path: PATH }, 'cluster names no client authority; only bearer tokens are believed');
      }
      current = { pem };
      failing = false;
      backoff.reset();
    } catch (error) {
      if (signal.aborted) return;
      if (!failing) logger.warn({ reason: messageOf(error) }, 'client authority can not be read; trying again');
      failing = true;
      pauseMs = backoff.next();
    }
    await clock.sleep(pauseMs, signal).catch(() => undefined);
  }
}
