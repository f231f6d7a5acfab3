import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Cell, isServed } from '../../../src/cells/cell.ts';
import { CELL_CLASS_LABEL, CONSTRAINTS_ANNOTATION } from '../../../src/core/names.ts';
import { resourcesOf } from '../../../src/core/resources.ts';
import type { WirePod } from '../../../src/kube/wire-pod.ts';
import { onHostOf, podOf } from '../placement/pods.ts';
import { offering, world } from './world.ts';

const apps = fc.constantFrom('a', 'b');
const described = fc.record({
  app: apps,
  wants: fc.option(apps),
  shuns: fc.option(apps, { freq: 2 }),
  tenths: fc.integer({ min: 1, max: 8 }),
  arch: fc.option(fc.constantFrom('amd64', 'arm64'), { freq: 3 }),
  ofClass: fc.constantFrom(null, null, null, 'other'),
  tied: fc.constantFrom(false, false, false, false, true),
});
type Described = {
  app: string;
  wants: string | null;
  shuns: string | null;
  tenths: number;
  arch: string | null;
  ofClass: string | null;
  tied: boolean;
};

function wirePod({ app, wants, shuns, tenths, arch, ofClass, tied }: Described, at: number): WirePod {
  const pod = podOf(`p${at}`, {
    app,
    cpu: `${tenths * 100}m`,
    ...(wants === null ? {} : { with: [onHostOf(wants)] }),
    ...(shuns === null ? {} : { apart: [onHostOf(shuns)] }),
  });
  const required = [[{ key: 'kubernetes.io/arch', operator: 'In', values: [arch] }]];
  const volumes = tied ? [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] : [];
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      labels: { app, ...(ofClass === null ? {} : { [CELL_CLASS_LABEL]: ofClass }) },
      annotations: arch === null ? {} : { [CONSTRAINTS_ANNOTATION]: JSON.stringify({ required }) },
    },
    spec: { ...pod.spec, volumes },
  };
}

function sized(instanceType: string, price: number, cpu: string, arch = 'amd64') {
  return { ...offering(instanceType, price, resourcesOf({ cpu, memory: '4Gi' })), arch };
}

const OFFERINGS = [
  sized('small', 1, '1'),
  sized('large', 2, '2'),
  sized('arm', 0.5, '1', 'arm64'),
  sized('big-arm', 3, '2', 'arm64'),
];

/** Assigns pods one after the other, again and again, until nothing changes any more. */
async function assigned(pods: readonly WirePod[]): Promise<(at: number) => Cell | undefined> {
  const made = world(OFFERINGS, undefined, undefined, undefined, 0);
  const { signal } = made.stop;
  made.classes.apply('ADDED', { metadata: { name: 'other', resourceVersion: '7' }, spec: {} });
  for (const pod of pods) made.nodePods.observe(made.pods.create(pod.metadata.name, pod));
  const uids = pods.map(({ metadata }) => metadata.uid ?? '');
  const seatOf = (uid: string) => {
    const cell = made.book.ofPod(uid);
    return cell !== undefined && isServed(cell) ? cell : undefined;
  };
  const seats = () => uids.map((uid) => seatOf(uid)?.cellId).join();
  // Twice, since a cell that is given up for a larger one leaves its pod without a seat for one round.
  for (let unchanged = 0; unchanged < 2; ) {
    const before = seats();
    for (const uid of uids) {
      const cell = made.book.ofPod(uid);
      if (seatOf(uid) !== undefined) continue;
      if (cell !== undefined) made.fleet.release(cell, uid, { reason: 'given up', podIsGone: true });
      const pod = made.nodePods.get(uid);
      if (pod === undefined) continue;
      const { pod: after } = await made.assignment.assign(pod, () => undefined, signal);
      if (after !== undefined) made.nodePods.observe(after);
    }
    unchanged = before === seats() ? unchanged + 1 : 0;
  }
  made.stop.abort();
  return (at) => seatOf(uids[at] ?? '');
}

/** Whether pods may be on one machine of this kind, by all that is not about who requires whom. */
function canShare(pods: readonly Described[], cell: Cell): boolean {
  const { arch = '', allocatable } = cell.offering ?? {};
  const className = cell.cellClass?.name === 'other' ? 'other' : null;
  return (
    pods.every((pod) => !pod.tied && pod.ofClass === className && (pod.arch ?? 'amd64') === arch) &&
    pods.every((pod) => pods.every((other) => other === pod || pod.shuns !== other.app)) &&
    pods.reduce((sum, { tenths }) => sum + tenths * 100, 0) <= (allocatable?.cpuMilli ?? 0)
  );
}

describe('pods that are assigned one after the other, whatever they ask for', () => {
  test('are on machines that are for all of them, with one that they require; and who waits has to', async () => {
    const runs = fc.asyncProperty(fc.array(described, { maxLength: 10 }), async (list) => {
      const cellAt = await assigned(list.map(wirePod));
      const cells = new Set(list.flatMap((_, at) => cellAt(at) ?? []));
      const onCell = (cell: Cell) => [...cell.members.keys()].map((uid) => list[Number(uid.slice(5))] as Described);
      for (const cell of cells) {
        const on = onCell(cell);
        expect(canShare(on, cell)).toBe(true);
        for (const [place, { wants, app }] of on.entries()) {
          if (place > 0) expect(on.slice(0, place).some((other) => other.app === wants)).toBe(true);
          else if (wants !== null) expect(wants).toBe(app);
        }
      }
      for (const [at, pod] of list.entries()) {
        if (cellAt(at) !== undefined || pod.tied) continue;
        expect(pod.wants).not.toBeNull();
        const homes = [...cells].filter((cell) => onCell(cell).some(({ app }) => app === pod.wants));
        expect(homes.filter((cell) => canShare([...onCell(cell), pod], cell))).toEqual([]);
        if (pod.wants === pod.app) expect(homes.length).toBeGreaterThan(0);
      }
    });
    await fc.assert(runs, { numRuns: 1_000 });
  }, 60_000);
});
