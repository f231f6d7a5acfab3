import { isDeepStrictEqual } from 'node:util';
import type { Routed } from './admitted-pod.ts';
import type { Route } from './route.ts';

/** One operation of a JSON Patch (RFC 6902). */
export type PatchOperation =
  | { readonly op: 'add'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

const PATHS: Readonly<Record<keyof Routed, string>> = {
  annotations: '/metadata/annotations',
  nodeSelector: '/spec/nodeSelector',
  tolerations: '/spec/tolerations',
  affinity: '/spec/affinity',
  topologySpreadConstraints: '/spec/topologySpreadConstraints',
};

function isEmpty(value: object): boolean {
  return Object.keys(value).length === 0;
}

type Members = Readonly<Record<string, unknown>>;

/** Member by member: others' annotations may be large, and are not sent to and fro. */
function memberPatch(path: string, old: Members, value: Members): readonly PatchOperation[] {
  const at = (key: string) => `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  const gone = Object.keys(old).filter((key) => !Object.hasOwn(value, key));
  const set = Object.entries(value).filter(([key, now]) => old[key] !== now);
  return [
    ...gone.map((key) => ({ op: 'remove' as const, path: at(key) })),
    ...set.map(([key, now]) => ({ op: 'add' as const, path: at(key), value: now })),
  ];
}

/** What makes the pod as it was into what it has to become, and nothing where nothing changes. */
export function podPatch({ before, after }: Pick<Route, 'before' | 'after'>): readonly PatchOperation[] {
  return (Object.keys(PATHS) as (keyof Routed)[]).flatMap((field): readonly PatchOperation[] => {
    const [old, value, path] = [before[field], after[field], PATHS[field]];
    if (isDeepStrictEqual(old, value)) return [];
    if (isEmpty(value)) return isEmpty(old) ? [] : [{ op: 'remove', path }];
    if (field === 'annotations' && !isEmpty(old)) return memberPatch(path, before.annotations, after.annotations);
    // `add` sets a member whether it is there or not, and even where it is null.
    return [{ op: 'add', path, value }];
  });
}
