import { call, isStatus } from '../kube/calls.ts';
import type { KubeClient, KubeRequest } from '../kube/client.ts';
import type { KubeObject } from '../kube/objects.ts';
import type { Wait } from './until-clear.ts';

/** What an uninstallation is of, and what it is done with. */
export interface Uninstallation extends Wait {
  readonly client: KubeClient;
  readonly virtualNode: string;
  readonly namespace: string;
  /** How long each stage may take: pods to go, cells to end, the provider to stop, objects to go. */
  readonly timeoutMs: number;
  /** Told of each thing that begins, and of what it waits for. */
  readonly tell: (step: string) => void;
}

/** A call that may be answered with one of these statuses; 200 stands for all that went well. */
export async function ask(client: KubeClient, request: KubeRequest, tolerated: readonly number[]): Promise<number> {
  try {
    await call(client, request);
    return 200;
  } catch (error) {
    const status = tolerated.find((code) => isStatus(error, code));
    if (status === undefined) throw error;
    return status;
  }
}

/** Deletes an object that may have gone already. */
export async function remove(client: KubeClient, path: string, body?: object): Promise<void> {
  await ask(client, { method: 'DELETE', path, ...(body === undefined ? {} : { body }) }, [404]);
}

/** Some of the objects by name, and how many more there are. */
export function named(objects: readonly KubeObject[]): string {
  const names = objects
    .slice(0, 3)
    .map(({ metadata }) => [metadata.namespace, metadata.name].filter(Boolean).join('/'));
  return objects.length > names.length
    ? `${names.join(', ')} and ${objects.length - names.length} more`
    : names.join(', ');
}
