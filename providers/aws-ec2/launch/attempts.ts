import { isNodelessError } from '../../../src/core/errors.ts';

/** Launches whose definite answers are counted; more than fail within the life of a client token. */
const MAX_KNOWN = 10_000;

/**
 * Counts the definite answers to each launch that lacked machines: the same client token would get the same answer again.
 * An answer that nobody knows is none: the next try has to be the same request, which EC2 does only once.
 */
export class Attempts {
  readonly #failed = new Map<string, number>();

  of(launchId: string): number {
    return this.#failed.get(launchId) ?? 0;
  }

  /** The launch brought all its machines. */
  succeeded(launchId: string): void {
    this.#failed.delete(launchId);
  }

  /** The launch lacks machines by EC2's own word. */
  lacked(launchId: string): void {
    this.#failed.set(launchId, this.of(launchId) + 1);
    const [oldest] = this.#failed.keys();
    if (this.#failed.size > MAX_KNOWN && oldest !== undefined) this.#failed.delete(oldest);
  }

  /** The launch has thrown: EC2's own word, or none. */
  threw(launchId: string, reason: unknown): void {
    if (isNodelessError(reason) && reason.code !== 'AmbiguousOutcome') this.lacked(launchId);
  }
}
