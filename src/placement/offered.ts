import type { CellProvider } from '../../providers/contract.ts';
import type { CellClassSpec } from '../core/cell-class.ts';
import type { Clock } from '../core/clock.ts';
import { type Correct, OfferingTable } from './offering-table.ts';

export interface OfferedOptions {
  readonly provider: Pick<CellProvider, 'offerings'>;
  readonly clock: Clock;
  readonly correct: Correct;
  /** Told once of each time in which the offerings could not be read, with why. */
  readonly onFailure: (error: unknown) => void;
}

/** So old, a table is renewed by whoever asks for it. */
const RENEW_AFTER_MS = 60_000;
/** A table that is older than this, as after a night without pods, is worth a short wait for a newer one. */
const OLD_MS = 600_000;
const WAIT_MS = 2_000;
/** Pause before offerings that could not be read are read again. */
const RETRY_MS = 5_000;

interface Known {
  readonly atMs: number;
  readonly table: OfferingTable;
}

/** What the provider offers: read again while the last answer is used, and used for as long as there is no newer one. */
export class Offered {
  readonly #options: OfferedOptions;
  #known: Known | undefined;
  #reading: Promise<OfferingTable> | undefined;
  /** Of the last attempt, if it failed. */
  #failedAtMs: number | undefined;

  constructor(options: OfferedOptions) {
    this.#options = options;
  }

  /** What is known of the offerings of a class has changed. */
  renew(spec: CellClassSpec): void {
    this.#known?.table.renew(spec);
  }

  /** What was read last, and when; undefined before the first time. */
  get known(): Known | undefined {
    return this.#known;
  }

  /** The newest table. @throws what the provider throws, where there never was one */
  async table(signal: AbortSignal): Promise<OfferingTable> {
    const { clock } = this.#options;
    const known = this.#known;
    if (known === undefined) return this.#read(signal);
    const ageMs = clock.now() - known.atMs;
    const pausedMs = clock.now() - (this.#failedAtMs ?? Number.NEGATIVE_INFINITY);
    if (ageMs <= RENEW_AFTER_MS || pausedMs < RETRY_MS) return known.table;
    const newer = this.#read(signal).catch(() => known.table);
    if (ageMs <= OLD_MS) return known.table;
    const waiting = new AbortController();
    const late = clock.sleep(WAIT_MS, AbortSignal.any([signal, waiting.signal])).catch(() => undefined);
    const table = await Promise.race([newer, late.then(() => known.table)]);
    waiting.abort();
    return table;
  }

  #read(signal: AbortSignal): Promise<OfferingTable> {
    this.#reading ??= this.#readOnce(signal).finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readOnce(signal: AbortSignal): Promise<OfferingTable> {
    const { provider, clock, correct, onFailure } = this.#options;
    try {
      const table = new OfferingTable(await provider.offerings(signal), correct);
      this.#known = { atMs: clock.now(), table };
      this.#failedAtMs = undefined;
      return table;
    } catch (error) {
      if (this.#failedAtMs === undefined && !signal.aborted) onFailure(error);
      this.#failedAtMs = clock.now();
      throw error;
    }
  }
}
