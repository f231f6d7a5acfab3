/** Pods that came within one bin of time, in so many batches. */
export interface ArrivalBin {
  readonly fromMs: number;
  readonly pods: number;
  readonly batches: number;
}

/** Pods that came at once. */
export interface Batch {
  readonly atMs: number;
  readonly pods: number;
}

/** An hour is a multiple of each. */
const WIDTHS_MS = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600].map((seconds) => seconds * 1_000);
const KEPT_MS = 8 * 86_400_000;
/** Of one log. */
export const MOST_BINS = 20_000;

/** Bins of a larger width that hold the same pods. */
function widened(bins: readonly ArrivalBin[], widthMs: number): ArrivalBin[] {
  const wide: ArrivalBin[] = [];
  for (const { fromMs, pods, batches } of bins) addTo(wide, { fromMs: fromMs - (fromMs % widthMs), pods, batches });
  return wide;
}

function addTo(bins: ArrivalBin[], { fromMs, pods, batches }: ArrivalBin): void {
  const last = bins.at(-1);
  if (last === undefined || fromMs > last.fromMs) bins.push({ fromMs, pods, batches });
  else bins[bins.length - 1] = { fromMs: last.fromMs, pods: last.pods + pods, batches: last.batches + batches };
}

function* spread(bins: readonly ArrivalBin[], widthMs: number): IterableIterator<Batch> {
  for (const { fromMs, pods, batches } of bins) {
    const upTo = (batch: number) => Math.round((pods * batch) / batches);
    for (let batch = 0; batch < batches; batch += 1)
      yield { atMs: fromMs + (batch * widthMs) / batches, pods: upTo(batch + 1) - upTo(batch) };
  }
}

/** The pods that came in the last eight days, in bins of time: of one second, and wider where they would be too many. */
export class ArrivalLog {
  #widthMs = WIDTHS_MS[0] as number;
  #bins: ArrivalBin[] = [];

  /** @param bins what is known, in order */
  constructor(bins: readonly ArrivalBin[] = [], widthMs = WIDTHS_MS[0] as number) {
    this.#widthMs = widthMs;
    this.#bins = [...bins];
  }

  get widthMs(): number {
    return this.#widthMs;
  }

  get bins(): readonly ArrivalBin[] {
    return this.#bins;
  }

  /** So many pods came at once; time never goes back. */
  add(atMs: number, pods: number): void {
    addTo(this.#bins, { fromMs: atMs - (atMs % this.#widthMs), pods, batches: 1 });
    while ((this.#bins[0]?.fromMs ?? atMs) < atMs - KEPT_MS) this.#bins.shift();
    if (this.#bins.length > MOST_BINS) this.#become(this.wider());
  }

  /** The same in wider bins; undefined where there are none. */
  wider(): ArrivalLog | undefined {
    const widthMs = WIDTHS_MS.find((ms) => ms > this.#widthMs);
    return widthMs === undefined ? undefined : new ArrivalLog(widened(this.#bins, widthMs), widthMs);
  }

  /** The batches of bins from a time on, as of now, spread evenly over their bins as they may have come. */
  batches(sinceMs = 0): IterableIterator<Batch> {
    return spread(
      this.#bins.filter(({ fromMs }) => fromMs >= sinceMs),
      this.#widthMs,
    );
  }

  #become(other: ArrivalLog | undefined): void {
    if (other === undefined) this.#bins.shift();
    else [this.#widthMs, this.#bins] = [other.widthMs, [...other.bins]];
  }
}
