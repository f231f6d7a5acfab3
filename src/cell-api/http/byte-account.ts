/** Bytes that are in memory on somebody's behalf, bounded for him and, by `within`, for all of his kind together. */
export class ByteAccount {
  readonly #maxBytes: number;
  readonly #within: ByteAccount | undefined;
  readonly #ownBytes: number;
  #heldBytes = 0;

  /** The first `ownBytes` are not charged to `within`, so that nobody can be kept from them by others. */
  constructor(maxBytes: number, within?: ByteAccount, ownBytes = 0) {
    this.#maxBytes = maxBytes;
    this.#within = within;
    this.#ownBytes = ownBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** True when so many more are within the bounds; they are charged then, and to be released once. */
  hold(bytes: number): boolean {
    const held = this.#heldBytes + bytes;
    const sharedBytes = this.#sharedOf(held) - this.#sharedOf(this.#heldBytes);
    if (held > this.#maxBytes || this.#within?.hold(sharedBytes) === false) return false;
    this.#heldBytes = held;
    return true;
  }

  release(bytes: number): void {
    const held = this.#heldBytes - bytes;
    this.#within?.release(this.#sharedOf(this.#heldBytes) - this.#sharedOf(held));
    this.#heldBytes = held;
  }

  #sharedOf(heldBytes: number): number {
    return Math.max(0, heldBytes - this.#ownBytes);
  }
}
