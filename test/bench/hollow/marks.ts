/** The annotation whose value tells one change from another. */
export const MARK_ANNOTATION = 'bench.nodeless.io/mark';

const KEY = Buffer.from(`"${MARK_ANNOTATION}":"`);
const NEWLINE = 0x0a;
const QUOTE = 0x22;

/** Milliseconds of the machine's one clock, the same in every process. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** When each marked change was seen, in milliseconds of the machine's clock, once for each watch that saw it. */
export class Arrivals {
  readonly #seen = new Map<string, number[]>();

  add(mark: string): void {
    const times = this.#seen.get(mark);
    if (times === undefined) this.#seen.set(mark, [machineMs()]);
    else times.push(machineMs());
  }

  /** All that was seen since the last call. */
  take(): Readonly<Record<string, readonly number[]>> {
    const all = Object.fromEntries(this.#seen);
    this.#seen.clear();
    return all;
  }
}

/**
 * Finds the marks in the lines of one watch without parsing them: a thousand watches of the same change would cost
 * their process more than what is measured.
 */
export class MarkScanner {
  readonly #onMark: (mark: string) => void;
  #rest = Buffer.alloc(0);

  constructor(onMark: (mark: string) => void) {
    this.#onMark = onMark;
  }

  take(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    // A copy, for a rest of a few bytes would keep the whole chunk.
    this.#rest = Buffer.from(bytes.subarray(end));
    for (let at = bytes.indexOf(KEY); at >= 0 && at < end; at = bytes.indexOf(KEY, at + 1)) {
      const from = at + KEY.length;
      this.#onMark(bytes.toString('latin1', from, bytes.indexOf(QUOTE, from)));
    }
  }
}
