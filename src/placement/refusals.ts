import { createHash } from 'node:crypto';
import type { NodelessError } from '../core/errors.ts';
import type { Query } from './query.ts';

/** More are not remembered: a message may be as long as what the pod asks for. */
const MAX_REFUSALS = 256;

function keyOf({ need, constraints, onlyOwnArch }: Query): string {
  return createHash('sha256')
    .update(JSON.stringify([need, constraints, onlyOwnArch]))
    .digest('base64');
}

/**
 * What no offering of a class can ever meet. It holds as long as the offerings are the same, whatever capacity and budgets
 * do; and to find out why takes a look at every offering, so those that ask again are told what was found then.
 */
export class Refusals {
  readonly #known = new Map<string, NodelessError>();

  /** The refusal of the same need and constraints, if there was one. */
  of(query: Query): NodelessError | undefined {
    // Nothing is worked out for the pods of a class that refuses nobody.
    return this.#known.size === 0 ? undefined : this.#known.get(keyOf(query));
  }

  note(query: Query, refusal: NodelessError): void {
    const [oldest] = this.#known.keys();
    if (this.#known.size >= MAX_REFUSALS && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(keyOf(query), refusal);
  }
}
