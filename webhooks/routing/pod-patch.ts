import { isDeepStrictEqual } from 'node:util';
import type { Routed } from './admitted-pod.ts';
import type { Route } from './route.ts';

/** One operation of a JSON Patch (RFC 6902). */
export type PatchOperation =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: unknown }
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

/** What makes the pod as it was into what it has to become: whole fields, and nothing where nothing changes. */
export function podPatch({ before, after }: Pick<Route, 'before' | 'after'>): readonly PatchOperation[] {
  return (Object.keys(PATHS) as (keyof Routed)[]).flatMap((field): readonly PatchOperation[] => {
    const [old, value, path] = [before[field], after[field], PATHS[field]];
    if (isDeepStrictEqual(old, value)) return [];
    if (isEmpty(value)) return isEmpty(old) ? [] : [{ op: 'remove', path }];
    // `add` sets a member whether it is there or not, and even where it is null.
    return [{ op: 'add', path, value }];
  });
}
