import { parse } from 'yaml';
import { workloadName } from '../../core/names.ts';
import { getOrUndefined } from '../../kube/calls.ts';
import type { KubeObject } from '../../kube/objects.ts';
import type { Patient } from './finding.ts';

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

/** The configuration of a provider that runs in the cluster, as its file says it; undefined where it runs elsewhere. */
export async function configurationOf({ client, virtualNode, namespace }: Patient): Promise<object | undefined> {
  const path = `/api/v1/namespaces/${namespace}/configmaps/${workloadName(virtualNode)}`;
  const found = await getOrUndefined<ConfigMap>(client, path);
  return found?.data === undefined ? undefined : (parse(found.data['nodeless.yaml'] ?? '') ?? {});
}
