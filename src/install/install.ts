import type { KubeConfig } from '@kubernetes/client-node';
import { systemClock } from '../core/clock.ts';
import { NodelessError } from '../core/errors.ts';
import { GROUP, MADE_LABEL, VERSION } from '../core/names.ts';
import { call, getOrUndefined } from '../kube/calls.ts';
import { createKubeClient, type KubeClient } from '../kube/client.ts';
import type { KubeObject } from '../kube/objects.ts';
import { Collections } from './collections.ts';
import { fieldChanges } from './field-changes.ts';
import { installObjects } from './objects.ts';
import type { InstallOptions } from './options.ts';
import { requireAll } from './permissions.ts';
import { whoseIs } from './survey.ts';
import { UNDOABLE_KINDS, undoneBy } from './undoing.ts';

const FIELD_MANAGER = 'nodeless-install';

/** What an earlier installation left of the objects that can be taken back. */
async function standing(client: KubeClient, collections: Collections, objects: readonly KubeObject[]) {
  const undoable = objects.filter(({ kind }) => UNDOABLE_KINDS.some((one) => one === kind));
  const found = await Promise.all(
    undoable.map(async (object): Promise<readonly KubeObject[]> => {
      const there = await getOrUndefined<KubeObject>(client, (await collections.place(object)).path);
      return there === undefined ? [] : [{ ...there, kind: object.kind ?? '' }];
    }),
  );
  return found.flat();
}

/** What is asked of the API server for an object: a patch, which also makes it. */
export function applyRequest(path: string, object: KubeObject, dryRun: boolean) {
  const query = { fieldManager: FIELD_MANAGER, force: 'true', ...(dryRun ? { dryRun: 'All' } : {}) };
  return { method: 'PATCH', path, query, contentType: 'application/apply-patch+yaml', body: object } as const;
}

/** True where the cluster has a default class already: whoever wrote it meant it. */
async function hasDefaultClass(client: KubeClient): Promise<boolean> {
  const path = `/apis/${GROUP}/${VERSION}/cellclasses`;
  const { items } = await call<{ items: readonly { spec?: { default?: boolean } }[] }>(client, { method: 'GET', path });
  return items.some(({ spec }) => spec?.default === true);
}

/** An object as it is to be applied to what is in the cluster; undefined where that is left as it is. */
async function toApply(client: KubeClient, object: KubeObject, path: string): Promise<KubeObject | undefined> {
  if (object.kind === 'CellClass') return (await hasDefaultClass(client)) ? undefined : object;
  if (object.kind !== 'Namespace') return object;
  // Whoever else made it has other things in it, or will: it is not ours to end.
  if (whoseIs(await getOrUndefined<KubeObject>(client, path)) === 'foreign') return undefined;
  const { metadata } = object;
  return { ...object, metadata: { ...metadata, labels: { ...metadata.labels, [MADE_LABEL]: 'install' } } };
}

/** What was done: `kind/name` of each object, and what of an earlier installation was taken back, in words. */
export interface Installed {
  readonly applied: readonly string[];
  readonly undone: readonly string[];
}

/** Everything that can be known to go wrong is found out here, before the first write. */
async function prepare(client: KubeClient, collections: Collections, options: InstallOptions) {
  const objects = await installObjects(options);
  const places = await Promise.all(
    objects.filter((object) => !Collections.isOwn(object)).map((object) => collections.place(object)),
  );
  const needs = places.flatMap(({ path: _, ...place }) => ['patch', 'create'].map((verb) => ({ ...place, verb })));
  const toLook = { group: '', resource: 'namespaces', verb: 'get' };
  await requireAll(client, [...needs, toLook], 'nodeless install');
  const undone = undoneBy(await standing(client, collections, objects), objects);
  if (undone.length > 0 && options.force !== true) {
    const message = `nothing was applied, for a provider that runs might be cut off: ${undone.join('; ')}; repeat the flags of the earlier installation, or say --force`;
    throw new NodelessError({ code: 'WouldUndo', message });
  }
  return { objects, undone };
}

/**
 * Applies them server-side, as they are written: a client that knows kinds by models would drop the fields of a schema
 * that its models have not. Safe to repeat with the same options.
 * @throws NodelessError Forbidden, WouldUndo, NotFound, all before the first write
 */
export async function install(kubeConfig: KubeConfig, options: InstallOptions): Promise<Installed> {
  const client = await createKubeClient(kubeConfig, systemClock, FIELD_MANAGER);
  const collections = new Collections(client);
  const applied: string[] = [];
  try {
    const { objects, undone } = await prepare(client, collections, options);
    for (const object of objects) {
      const { path } = await collections.place(object);
      const wanted = await toApply(client, object, path);
      if (wanted === undefined) continue;
      await call(client, applyRequest(path, wanted, false));
      applied.push(`${object.kind}/${object.metadata.name}`);
    }
    return { applied, undone };
  } finally {
    await client.close();
  }
}

/** What `install` would do with an object: make it, change these fields, or nothing. */
export interface Difference {
  readonly object: string;
  readonly is: 'new' | 'changed' | 'same';
  /** One line for each field that changes. */
  readonly fields: readonly string[];
}

/** Asks the API server what each object would be afterwards, and writes nothing. @throws NodelessError as install does */
export async function differences(kubeConfig: KubeConfig, options: InstallOptions): Promise<readonly Difference[]> {
  const client = await createKubeClient(kubeConfig, systemClock, FIELD_MANAGER);
  const collections = new Collections(client);
  try {
    const { objects } = await prepare(client, collections, { ...options, force: true });
    const found: Difference[] = [];
    for (const object of objects) found.push(await differenceOf(client, collections, object));
    return found;
  } finally {
    await client.close();
  }
}

async function differenceOf(client: KubeClient, collections: Collections, object: KubeObject): Promise<Difference> {
  const name = `${object.kind}/${object.metadata.name}`;
  const place = await collections.find(object);
  const live = place && (await getOrUndefined<KubeObject>(client, place.path));
  if (place === undefined || live === undefined) return { object: name, is: 'new', fields: [] };
  const wanted = await toApply(client, object, place.path);
  if (wanted === undefined) return { object: name, is: 'same', fields: [] };
  const fields = fieldChanges(live, await call<KubeObject>(client, applyRequest(place.path, wanted, true)));
  return { object: name, is: fields.length === 0 ? 'same' : 'changed', fields };
}
