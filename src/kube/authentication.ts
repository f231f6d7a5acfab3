import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Clock } from '../core/clock.ts';
import { NodelessError } from '../core/errors.ts';

/** What a request to the API server needs beside itself. */
export interface Credentials {
  readonly origin: string;
  /** Path of the server URL in the kubeconfig, without a trailing slash; usually empty. */
  readonly basePath: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: Readonly<Record<string, unknown>>;
}

export interface Authentication {
  current(): Promise<Credentials>;
  /** Forgets cached credentials, after the server refused them. */
  invalidate(): void;
}

/** Tokens in files and from exec plugins rotate; a minute is well inside any of their lives. */
const CREDENTIALS_TTL_MS = 60_000;

/** Credentials of a kubeconfig's current context, read again at most once a minute. */
export function authenticationOf(config: KubeConfig, clock: Clock): Authentication {
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    throw new NodelessError({
      code: 'ConfigInvalid',
      message: 'the kubeconfig has no current cluster; set one with kubectl config use-context',
    });
  }
  const server = new URL(cluster.server);
  let cached: { readonly at: number; readonly value: Promise<Credentials> } | undefined;

  async function read(): Promise<Credentials> {
    const options: RequestOptions = {};
    await config.applyToHTTPSOptions(options);
    const { ca, cert, key, servername, rejectUnauthorized, auth } = options;
    const basic = auth == null ? {} : { authorization: `Basic ${Buffer.from(auth).toString('base64')}` };
    const tls = Object.entries({ ca, cert, key, servername, rejectUnauthorized }).filter(([, value]) => value != null);
    return {
      origin: server.origin,
      basePath: server.pathname.replace(/\/$/, ''),
      headers: { ...(options.headers as Record<string, string> | undefined), ...basic },
      tls: Object.fromEntries(tls),
    };
  }

  return {
    current() {
      if (cached === undefined || clock.now() - cached.at > CREDENTIALS_TTL_MS) {
        const value = read();
        value.catch(() => {
          cached = undefined;
        });
        cached = { at: clock.now(), value };
      }
      return cached.value;
    },
    invalidate() {
      cached = undefined;
    },
  };
}
