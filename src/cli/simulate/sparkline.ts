const BARS = '▁▂▃▄▅▆▇█';

/** Sums of neighbours, so that there are at most so many values. */
export function folded(values: ArrayLike<number>, width: number): readonly number[] {
  const per = Math.max(1, Math.ceil(values.length / width));
  return Array.from({ length: Math.ceil(values.length / per) }, (_, index) => {
    let sum = 0;
    for (let at = index * per; at < Math.min(values.length, (index + 1) * per); at += 1) sum += values[at] as number;
    return sum;
  });
}

/** One bar for each value, from `low` to `high`; a blank where there is no value. */
export function sparkline(values: readonly number[], low: number, high: number): string {
  const range = high - low;
  const bar = (value: number) => {
    if (Number.isNaN(value)) return ' ';
    const share = range <= 0 ? 0 : (value - low) / range;
    return BARS[Math.min(BARS.length - 1, Math.max(0, Math.floor(share * BARS.length)))] ?? ' ';
  };
  return values.map(bar).join('');
}
