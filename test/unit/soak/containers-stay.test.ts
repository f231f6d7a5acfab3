import { describe, expect, test } from 'vitest';
import { containersStay } from '../../soak/invariants/containers-stay.ts';
import type { CellAttacked, ContainerSeen } from '../../soak/observation.ts';
import { apiOf, attackOn, podOf, sightOf } from './sights.ts';

const FIRST = { name: 'main', id: 'containerd://1', restarts: 0 };

/** A pod that is Ready at 0 with its first container and has another at 1000; what is said then. */
function laterWith(container: ContainerSeen, attacks: readonly CellAttacked[] = []): readonly string[] {
  const invariant = containersStay();
  const sight = (atMs: number, seen: ContainerSeen) =>
    sightOf({ atMs, api: apiOf(podOf({ containers: [seen] })), attacks });
  invariant(sightOf({ api: apiOf(podOf({ containers: [FIRST] })) }));
  return invariant(sight(1_000, container));
}

describe('containers stay', () => {
  test('a container that is as it was is not told', () => {
    expect(laterWith(FIRST)).toEqual([]);
  });

  test('a container that has become another, or none, is told', () => {
    expect(laterWith({ ...FIRST, id: 'containerd://2' })).toHaveLength(1);
    expect(laterWith({ ...FIRST, id: '' })).toHaveLength(1);
  });

  test('a restart is told though the container has kept its id', () => {
    expect(laterWith({ ...FIRST, restarts: 1 })).toEqual([
      'container main of pod web-a on cell cell-a was restarted 1 times',
    ]);
  });

  test.each(['killKubelet', 'killContainerd'] as const)('%s once the pod was Ready excuses nothing', (kind) => {
    expect(laterWith({ ...FIRST, restarts: 1 }, [attackOn('cell-a', kind, 500)])).toHaveLength(1);
  });

  test('an attack before the pod was Ready, or one that ended the cell, excuses it', () => {
    expect(laterWith({ ...FIRST, restarts: 1 }, [attackOn('cell-a', 'killKubelet', -500)])).toEqual([]);
    expect(laterWith({ ...FIRST, restarts: 1 }, [attackOn('cell-a', 'killCell', 500)])).toEqual([]);
    expect(laterWith({ ...FIRST, restarts: 1 }, [attackOn('cell-b', 'killCell', -500)])).toHaveLength(1);
  });
});
