import { sourceOf } from '../../core/address-source.ts';
import { ByteAccount } from './byte-account.ts';

/** Signing requests that are being read from callers without a certificate. */
const BYTES_OF_ALL = 4 * 1024 * 1024;
/** A hundred at once, behind a proxy. */
const BYTES_PER_ADDRESS = 256 * 1024;
/** Longer than a body that was admitted may take to begin. */
const FORGET_AFTER_MS = 60_000;

/** The accounts of bodies that nobody's certificate stands for, one an address and all within one. */
export class StrangerBodies {
  readonly #all = new ByteAccount(BYTES_OF_ALL);
  readonly #bySource = new Map<string, { readonly account: ByteAccount; usedAtMs: number }>();

  of(address: string, nowMs: number): ByteAccount {
    const source = sourceOf(address);
    const known = this.#bySource.get(source) ?? { account: new ByteAccount(BYTES_PER_ADDRESS, this.#all), usedAtMs: 0 };
    known.usedAtMs = nowMs;
    this.#bySource.set(source, known);
    return known.account;
  }

  /** Called about once a second. */
  tick(nowMs: number): void {
    for (const [source, { account, usedAtMs }] of this.#bySource) {
      if (account.heldBytes === 0 && nowMs - usedAtMs >= FORGET_AFTER_MS) this.#bySource.delete(source);
    }
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#bySource.size;
  }
}
