import { describe, expect, test } from 'vitest';
import { Book } from '../../../src/cells/book.ts';
import { directoryOf } from '../../../src/cells/directory.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { Collection } from '../../../src/kube/collection.ts';
import type { WirePod } from '../../../src/kube/wire-pod.ts';
import { absorbedPatch } from '../../../src/pods/status.ts';
import { cellClass } from '../../support/cell-class.ts';
import { podOf } from '../placement/pods.ts';
import { machineOf, offering } from '../pods/world.ts';

/** A cell of the pods a and b, of which a is handed over. */
function directory(...pods: readonly WirePod[]) {
  const book = new Book(systemClock);
  const collection = new Collection<WirePod>();
  collection.replace(pods, '1');
  const cell = book.add({ cellId: 'cell-1', podUid: 'uid-a', pod: 'ns/a' }, 'running');
  const tags = { clusterUid: 'c', virtualNode: 'n', cellId: 'cell-1', pod: 'ns/a', podUid: 'uid-a' };
  const order = { offering: offering('small', 1), cellClass: cellClass() };
  book.seen(cell, machineOf({ tags, ...order, bootstrap: {} as never }));
  book.join(cell, { uid: 'uid-b', pod: 'ns/b' });
  book.handOver(cell, 'uid-a');
  return { book, cell, cells: directoryOf(book, collection) };
}

function naming(pod: WirePod): WirePod {
  return { ...pod, metadata: { ...pod.metadata, annotations: { 'nodeless.io/cell': 'cell-1' } } };
}

describe('who answers for a pod', () => {
  test('is its cell’s kubelet from the hand-over on, for each pod of a cell', () => {
    const { book, cell, cells } = directory(naming(podOf('a')), naming(podOf('b')));
    expect(cells.ofPod('ns', 'a')).toMatchObject({ cellId: 'cell-1', podUid: 'uid-a' });
    expect(cells.ofPod('ns', 'b')).toEqual({ missing: 'cell cell-1 is still on its way' });
    expect(cells.running().flatMap(({ pods }) => pods.map(({ name }) => name))).toEqual(['a']);
    book.handOver(cell, 'uid-b');
    expect(cells.ofPod('ns', 'b')).toMatchObject({ cellId: 'cell-1', podUid: 'uid-b' });
    expect(cells.running().flatMap(({ pods }) => pods.map(({ name }) => name))).toEqual(['a', 'b']);
  });

  test('is, for an agent, the cell that is named, if that has it; and whoever names none is told how to', () => {
    const conditions = [{ type: 'nodeless.io/CellReady', status: 'False', reason: 'Injected' }];
    const { book, cell, cells } = directory(podOf('a'), { ...podOf('agent'), status: { conditions } });
    expect(cells.ofPod('ns', 'agent')).toEqual({
      missing:
        'ns/agent is an agent, and runs on every cell: `nodeless cells logs CELL agent -n ns` reads its logs on one of them',
    });
    expect(cells.ofPod('ns', 'agent', 'cell-1')).toEqual({ missing: 'agent ns/agent is not on cell-1' });
    book.seatAgent(cell, { uid: 'uid-agent', pod: 'ns/agent' });
    expect(cells.ofPod('ns', 'agent', 'cell-1')).toMatchObject({ cellId: 'cell-1', podUid: 'uid-agent' });
    expect(cells.ofPod('ns', 'agent', 'cell-2')).toEqual({ missing: 'there is no cell cell-2' });
    expect(cells.ofPod('ns', 'a', 'cell-2')).toEqual({ missing: 'the pod is not on cell-2' });
    expect(cells.running().flatMap(({ pods }) => pods)).toEqual([
      { namespace: 'ns', name: 'a', uid: 'uid-a' },
      { namespace: 'ns', name: 'agent', uid: 'uid-agent', isAgent: true },
    ]);
  });

  test('is nobody for an absorbed pod, and whoever asks is told why', () => {
    const agent = podOf('agent');
    const { status } = absorbedPatch(agent, 'DaemonSet agent is absorbed', 0) as Pick<WirePod, 'status'>;
    const { cells } = directory({ ...agent, ...(status === undefined ? {} : { status }) });
    expect(cells.ofPod('ns', 'agent')).toEqual({ missing: 'DaemonSet agent is absorbed' });
  });
});
