import { z } from 'zod';
import { messageOf, NodelessError } from '../../core/errors.ts';
import { shapedJson } from '../../core/json-text.ts';

/** How Grafana knows who asks: a service account's token, or a user. */
export type GrafanaLogin = { readonly token: string } | { readonly user: string; readonly password: string };

export interface GrafanaOptions {
  readonly url: URL;
  readonly login: GrafanaLogin;
  readonly signal: AbortSignal;
}

const TIMEOUT_MS = 15_000;
const folders = z.array(z.object({ uid: z.string(), title: z.string() }));
const folder = z.object({ uid: z.string() });
const imported = z.object({ url: z.string(), status: z.string() });

/** What a status means to whoever imports. */
const REMEDIES: Readonly<Record<number, string>> = {
  401: 'the token or the password is not valid; make a service account token in Grafana and set GRAFANA_TOKEN',
  403: 'it may not; give the service account the role Editor, or the permission dashboards:write',
  404: 'there is no Grafana at this address; is a path such as /grafana missing?',
  412: 'another version is there; add --overwrite to replace it',
};

function authorizationOf(login: GrafanaLogin): string {
  if ('token' in login) return `Bearer ${login.token}`;
  return `Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}`;
}

/** Names and addresses of this machine itself, as URLs write them. */
const LOOPBACK = /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\]|\[::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4}\])$/;

/** What to tell whoever sends a login where others on the way can read it; undefined where nobody can. */
export function plainTextWarning({ protocol, hostname, origin }: URL, login: GrafanaLogin): string | undefined {
  if (protocol === 'https:' || LOOPBACK.test(hostname)) return undefined;
  const what = 'token' in login ? 'GRAFANA_TOKEN' : 'GRAFANA_PASSWORD';
  return `${what} goes to ${origin} as plain text, which others on the way can read: use https, or a port-forward to localhost`;
}

/** Calls Grafana's HTTP API. */
export class Grafana {
  readonly #options: GrafanaOptions;

  constructor(options: GrafanaOptions) {
    this.#options = options;
  }

  /**
   * Imports a dashboard, into a folder that is made if it is not there; the general one when none is named.
   * @returns where to look at it. @throws NodelessError Unauthenticated, Unauthorized or InvalidConfig with what mends it
   */
  async import(dashboard: object, into: { readonly folder?: string; readonly overwrite: boolean }): Promise<URL> {
    const folderUid = into.folder === undefined ? '' : await this.#folder(into.folder);
    const body = { dashboard: { ...dashboard, id: null }, folderUid, overwrite: into.overwrite, message: 'nodeless' };
    const { url } = await this.#call(imported, 'POST', 'api/dashboards/db', body);
    return new URL(url, this.#options.url);
  }

  async #folder(title: string): Promise<string> {
    const known = await this.#call(folders, 'GET', 'api/folders?limit=1000');
    const found = known.find((one) => one.title === title);
    return (found ?? (await this.#call(folder, 'POST', 'api/folders', { title }))).uid;
  }

  async #call<T>(shape: z.ZodType<T>, method: string, path: string, body?: object): Promise<T> {
    const { url, login, signal } = this.#options;
    const base = url.href.endsWith('/') ? url.href : `${url.href}/`;
    const identity = { url: `${url.origin}${url.pathname}` };
    let response: Response;
    let text: string;
    try {
      response = await fetch(new URL(path, base), {
        method,
        headers: { authorization: authorizationOf(login), 'content-type': 'application/json' },
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
        redirect: 'error',
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      text = await response.text();
    } catch (error) {
      signal.throwIfAborted();
      const message = `Grafana does not answer at ${identity.url}: ${messageOf(error)}; check the address`;
      throw new NodelessError({ code: 'InvalidConfig', message, cause: error, identity });
    }
    const answer = shapedJson(shape, text);
    if (response.ok && answer !== undefined) return answer;
    const { status } = response;
    const code = status === 401 ? 'Unauthenticated' : status === 403 ? 'Unauthorized' : 'InvalidConfig';
    const remedy = REMEDIES[status] ?? (response.ok ? 'what it says is not what Grafana says' : toldBy(text));
    throw new NodelessError({ code, message: `Grafana at ${identity.url} answered ${status}: ${remedy}`, identity });
  }
}

const told = z.object({ message: z.string() });

/** Grafana's own words, which are meant for people. */
function toldBy(text: string): string {
  return shapedJson(told, text)?.message.slice(0, 200) ?? 'it does not say why';
}
