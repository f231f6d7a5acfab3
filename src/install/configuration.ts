import { parse } from 'yaml';
import { workloadName } from '../core/names.ts';
import { getOrUndefined } from '../kube/calls.ts';
import type { KubeClient } from '../kube/client.ts';
import type { KubeObject } from '../kube/objects.ts';

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

interface Installation {
  readonly client: KubeClient;
  readonly virtualNode: string;
  readonly namespace: string;
}

/** The configuration of a provider that was installed in the cluster, as its file says it; undefined where there is none. */
export async function installedConfig({ client, virtualNode, namespace }: Installation): Promise<object | undefined> {
  const path = `/api/v1/namespaces/${namespace}/configmaps/${workloadName(virtualNode)}`;
  const found = await getOrUndefined<ConfigMap>(client, path);
  return found?.data === undefined ? undefined : (parse(found.data['nodeless.yaml'] ?? '') ?? {});
}
