import { describe, expect, test } from 'vitest';
import { Book } from '../../../src/cells/book.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { Collection } from '../../../src/kube/collection.ts';
import type { WirePod } from '../../../src/kube/wire-pod.ts';
import { registries } from '../../docs/metrics-reference.ts';
import { cellMachine } from '../../support/cell-machine.ts';
import { leaderRegistry } from '../../support/leader-registry.ts';

const CELLS = 1_000;
/** What a leader with so many cells may have to say. */
const MOST_BYTES = 2_000_000;
const NAMESPACES = 50;
const INSTANCE_TYPES = 60;
const ZONES = 3;
const LAUNCH_TYPES = ['ec2-on-demand', 'ec2-spot'] as const;

let nowMs = 1_000_000;
const clock = { now: () => nowMs, sleep: systemClock.sleep };

/** A leader with so many cells of so many kinds as a large installation has, each through all phases of its start. */
function leaderWith(cells: number, perCell: boolean) {
  const book = new Book(clock);
  const pods = new Collection<WirePod>();
  const { registry, cellApi, endpoint } = leaderRegistry({ book, pods, pools: [], perCell, clock });
  for (let index = 0; index < cells; index += 1) {
    const cellId = `cell-${String(index).padStart(10, '0')}`;
    const name = `web-74759847f4-${String(index).padStart(5, '0')}`;
    const namespace = `team-${index % NAMESPACES}`;
    const cell = book.add({ cellId, podUid: cellId, pod: `${namespace}/${name}` }, 'requested');
    for (const phase of ['launching', 'booting', 'ready', 'running'] as const) {
      nowMs += 10;
      const machine = cellMachine(cellId, cellId);
      const launchType = LAUNCH_TYPES[index % LAUNCH_TYPES.length] ?? 'ec2-spot';
      const instanceType = `m7gd.${index % INSTANCE_TYPES}xlarge`;
      if (phase === 'booting') book.seen(cell, { ...machine, launchType, instanceType, zone: `zone-${index % ZONES}` });
      book.enter(cell, phase);
    }
    cellApi.requests.inc({ resource: 'pods', verb: 'list', code: '200' });
    endpoint.answered('metrics', 200);
  }
  return registry;
}

async function exposition(cells: number, perCell: boolean): Promise<string> {
  return leaderWith(cells, perCell).metrics();
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
