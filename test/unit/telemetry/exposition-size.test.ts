import { describe, expect, test } from 'vitest';
import { registries } from '../../docs/metrics-reference.ts';
import { busyLeader } from '../../support/busy-leader.ts';

const CELLS = 1_000;
/** What a leader with so many cells may have to say. */
const MOST_BYTES = 2_000_000;

async function exposition(cells: number, perCell: boolean): Promise<string> {
  return busyLeader(cells, perCell).metrics();
}

function samplesIn(text: string): number {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
}

describe('what Prometheus is given', () => {
  test('of 1,000 cells is less than 2 MB, with a series for each of them too', async () => {
    const text = await exposition(CELLS, true);
    expect(text.match(/^nodeless_cell_price_dollars_per_hour\{/gm)).toHaveLength(CELLS);
    expect(Buffer.byteLength(text)).toBeLessThan(MOST_BYTES);
  });

  test('does not grow with the cells, but with their kinds', async () => {
    const [some, many] = [await exposition(CELLS, false), await exposition(4 * CELLS, false)];
    expect(samplesIn(many)).toBe(samplesIn(some));
    expect(many).not.toMatch(/cell-0000|web-7475/);
  });

  test('names a cell or a pod in the one series that is asked for, and nowhere else', () => {
    const named = registries().flatMap((registry) =>
      registry.getMetricsAsArray().filter((metric) => {
        const { labelNames = [] } = metric as unknown as { readonly labelNames?: readonly string[] };
        return labelNames.some((label) => ['cell', 'pod', 'uid'].includes(label));
      }),
    );
    expect(named.map(({ name }) => name)).toEqual(['nodeless_cell_price_dollars_per_hour']);
  });
});
