import { NodelessError } from '../core/errors.ts';
import { workloadName } from '../core/names.ts';
import { getOrUndefined } from '../kube/calls.ts';
import type { KubeClient } from '../kube/client.ts';
import type { KubeObject } from '../kube/objects.ts';
import { installedConfig } from './configuration.ts';
import { deploymentPath, hooksPath } from './survey.ts';

interface Container {
  readonly image?: string;
  readonly resources?: { readonly limits?: { readonly memory?: string } };
}

interface Deployment extends KubeObject {
  readonly spec?: {
    readonly replicas?: number;
    readonly template?: { readonly spec?: { readonly containers?: readonly Container[] } };
  };
}

/** What a provider in the cluster was installed with. */
export interface Model {
  readonly config: object;
  /** As the flags of `nodeless install` say it. */
  readonly flags: {
    readonly image: string;
    readonly replicas: number;
    readonly memory?: string;
    readonly webhooks: boolean;
    readonly monitors: boolean;
  };
}

/** What the provider of a virtual node was installed with. @throws NodelessError NotFound */
export async function modelOf(client: KubeClient, like: string, namespace: string): Promise<Model> {
  const name = workloadName(like);
  const deployment = await getOrUndefined<Deployment>(client, deploymentPath(namespace, like));
  const config = await installedConfig({ client, virtualNode: like, namespace });
  const { image, resources } = deployment?.spec?.template?.spec?.containers?.[0] ?? {};
  if (image === undefined || config === undefined) {
    const message = `there is no provider ${name} in namespace ${namespace} to be like: nodeless install --image does it first, or name another by --like`;
    throw new NodelessError({ code: 'NotFound', message });
  }
  const isThere = async (path: string) => (await getOrUndefined(client, path)) !== undefined;
  const monitor = `/apis/monitoring.coreos.com/v1/namespaces/${namespace}/servicemonitors/${name}`;
  const memory = resources?.limits?.memory;
  const flags = {
    image,
    replicas: deployment?.spec?.replicas ?? 2,
    ...(memory === undefined ? {} : { memory }),
    webhooks: await isThere(hooksPath(like)),
    monitors: await isThere(monitor),
  };
  return { config, flags };
}

/**
 * The configuration of one virtual node for another one beside it.
 * @throws NodelessError ConfigInvalid where it says what can be true of one alone
 */
export function configBeside(config: object, like: string): object {
  const { cellApi } = config as { readonly cellApi?: { readonly advertise?: unknown } };
  if (cellApi?.advertise === undefined) return config;
  const message = `the configuration of ${like}: cellApi.advertise: is where cells reach ${like}, and no other; say --config FILE with the address of the new one`;
  throw new NodelessError({ code: 'ConfigInvalid', message });
}
