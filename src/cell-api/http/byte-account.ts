/** Bytes that are in memory on somebody's behalf, bounded for him and, by `within`, for all of his kind together. */
export class ByteAccount {
  readonly #maxBytes: number;
  readonly #within: ByteAccount | undefined;
  #heldBytes = 0;

  constructor(maxBytes: number, within?: ByteAccount) {
    this.#maxBytes = maxBytes;
    this.#within = within;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** True when so many more are within the bounds; they are charged then, and to be released once. */
  hold(bytes: number): boolean {
    if (this.#heldBytes + bytes > this.#maxBytes || this.#within?.hold(bytes) === false) return false;
    this.#heldBytes += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#heldBytes -= bytes;
    this.#within?.release(bytes);
  }
}
