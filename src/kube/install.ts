import { readdir, readFile } from 'node:fs/promises';
import { type KubeConfig, type KubernetesObject, KubernetesObjectApi, PatchStrategy } from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';

const DEPLOY = new URL('../../deploy/', import.meta.url);

export interface InstallOptions {
  readonly virtualNode: string;
  readonly namespace: string;
}

/** The objects that a cluster needs before the provider can run, with the names filled in, in order of need. */
export async function installObjects(options: InstallOptions): Promise<readonly KubernetesObject[]> {
  const objects: KubernetesObject[] = [];
  for (const folder of ['crds/', 'manifests/']) {
    for (const file of (await readdir(new URL(folder, DEPLOY))).sort()) {
      const text = await readFile(new URL(folder + file, DEPLOY), 'utf8');
      const filled = text.replaceAll('VIRTUAL_NODE', options.virtualNode).replaceAll('NAMESPACE', options.namespace);
      objects.push(...parseAllDocuments(filled).map((document) => document.toJS() as KubernetesObject));
    }
  }
  return objects;
}

/** Applies them server-side; safe to repeat. Resolves with `kind/name` of each. */
export async function install(kubeConfig: KubeConfig, options: InstallOptions): Promise<readonly string[]> {
  const api = KubernetesObjectApi.makeApiClient(kubeConfig);
  const applied: string[] = [];
  for (const object of await installObjects(options)) {
    const force = true;
    await api.patch(object, undefined, undefined, 'nodeless-install', force, PatchStrategy.ServerSideApply);
    applied.push(`${object.kind}/${object.metadata?.name}`);
  }
  return applied;
}
