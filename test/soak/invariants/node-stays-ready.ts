import type { Invariant } from '../observation.ts';

/** However often its provider is killed, the virtual node is Ready whenever somebody looks. */
export function nodeStaysReady(): Invariant {
  return ({ api }) =>
    api === undefined || api.nodeReady === 'True' ? [] : [`the virtual node's Ready condition is ${api.nodeReady}`];
}
