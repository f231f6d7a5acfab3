import type { Registry } from 'prom-client';
import { Book } from '../../src/cells/book.ts';
import { systemClock } from '../../src/core/clock.ts';
import { Collection } from '../../src/kube/collection.ts';
import type { WirePod } from '../../src/kube/wire-pod.ts';
import { cellMachine } from './cell-machine.ts';
import { leaderRegistry } from './leader-registry.ts';

const NAMESPACES = 50;
const INSTANCE_TYPES = 60;
const ZONES = 3;
const LAUNCH_TYPES = ['ec2-on-demand', 'ec2-spot'] as const;
const STEP_MS = 10;

/** The series of a leader with so many cells, of as many kinds as a large installation has, each through all phases of its start. */
export function busyLeader(cells: number, perCell: boolean): Registry {
  let nowMs = 1_000_000;
  const clock = { now: () => nowMs, sleep: systemClock.sleep };
  const book = new Book(clock);
  const pods = new Collection<WirePod>();
  const { registry, cellApi, endpoint } = leaderRegistry({ book, pods, pools: [], perCell, clock });
  for (let index = 0; index < cells; index += 1) {
    const cellId = `cell-${String(index).padStart(10, '0')}`;
    const name = `web-74759847f4-${String(index).padStart(5, '0')}`;
    const cell = book.add({ cellId, podUid: cellId, pod: `team-${index % NAMESPACES}/${name}` }, 'requested');
    const launchType = LAUNCH_TYPES[index % LAUNCH_TYPES.length] ?? 'ec2-spot';
    const machine = {
      ...cellMachine(cellId, cellId),
      ...{ launchType, instanceType: `m7gd.${index % INSTANCE_TYPES}xlarge`, zone: `zone-${index % ZONES}` },
    };
    for (const phase of ['launching', 'booting', 'ready', 'running'] as const) {
      nowMs += STEP_MS;
      if (phase === 'booting') book.seen(cell, machine);
      book.enter(cell, phase);
    }
    cellApi.requests.inc({ resource: 'pods', verb: 'list', code: '200' });
    endpoint.answered('metrics', 200);
  }
  return registry;
}
