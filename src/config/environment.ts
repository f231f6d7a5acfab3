import { homedir } from 'node:os';
import { join } from 'node:path';

/** What Nodeless takes from the process's environment; everything else comes from its configuration. */
export interface Environment {
  /** `KUBEBUILDER_ASSETS`: a folder with programs that are preferred to our own. */
  readonly assetsFolder: string | undefined;
  /** Folder for what can be made again: `$XDG_CACHE_HOME/nodeless`, or `~/.cache/nodeless`. */
  readonly cacheFolder: string;
  /** `PATH`, for looking programs up. */
  readonly path: string;
}

/** Reads the environment. Pure in its argument; called without one, it reads the process's own. */
export function readEnvironment(variables: Readonly<Record<string, string | undefined>> = process.env): Environment {
  const home = variables.HOME || homedir();
  return {
    assetsFolder: variables.KUBEBUILDER_ASSETS || undefined,
    cacheFolder: join(variables.XDG_CACHE_HOME || join(home, '.cache'), 'nodeless'),
    path: variables.PATH || '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  };
}

/** Who imports dashboards: `GRAFANA_TOKEN`, or `GRAFANA_USER` and `GRAFANA_PASSWORD`. Pure in its argument. */
export function readGrafanaLogin(variables: Readonly<Record<string, string | undefined>> = process.env) {
  const { GRAFANA_TOKEN: token, GRAFANA_USER: user, GRAFANA_PASSWORD: password } = variables;
  if (token) return { token };
  return user && password ? { user, password } : undefined;
}

/** The environment of a child process: this process's own, with `added` over it. */
export function childEnvironment(added: Readonly<Record<string, string>>): Record<string, string | undefined> {
  return { ...process.env, ...added };
}
