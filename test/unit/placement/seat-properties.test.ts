import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { add, covers, minus, type Resources, resourcesOf } from '../../../src/core/resources.ts';
import { effectiveRequest } from '../../../src/core/sizing.ts';
import type { WirePod } from '../../../src/kube/wire-pod.ts';
import { companyFor, wantedCompany } from '../../../src/placement/company.ts';
import { seatOf } from '../../../src/placement/seat.ts';
import { onHostOf, podOf } from './pods.ts';

const apps = fc.constantFrom('a', 'b', 'c');
const described = fc.record({
  app: apps,
  wants: fc.option(apps),
  shuns: fc.option(apps),
  cpu: fc.integer({ min: 1, max: 4 }),
});
type Described = { app: string; wants: string | null; shuns: string | null; cpu: number };

interface TestCell {
  readonly size: Resources;
  readonly pods: number[];
}

/** Places pods one after the other, again and again, until nothing changes; `spare` CPUs are bought with each cell. */
function placed(pods: readonly WirePod[], spare: number): readonly TestCell[] {
  const cells: TestCell[] = [];
  const need = (pod: WirePod) => effectiveRequest(pod);
  const sum = (of: readonly WirePod[]) => of.map(need).reduce(add);
  const cellOf = (at: number) => cells.find((cell) => cell.pods.includes(at));
  const buy = (at: number, of: readonly WirePod[]) =>
    cells.push({ size: add(sum(of), resourcesOf({ cpu: String(spare), memory: '1Gi' })), pods: [at] });
  for (let changed = true; changed; ) {
    changed = false;
    for (const [at, pod] of pods.entries()) {
      if (cellOf(at) !== undefined) continue;
      const waiting = pods.filter((_, other) => cellOf(other) === undefined);
      if (wantedCompany(pod).length === 0) {
        buy(at, [pod, ...companyFor(pod, waiting)]);
        changed = true;
        continue;
      }
      const hosts = cells.map((cell) => {
        const on = cell.pods.flatMap((one) => pods[one] ?? []);
        return { cell, pods: on, free: minus(cell.size, sum(on)) };
      });
      const seat = seatOf(pod, need(pod), hosts, waiting);
      if (seat.kind === 'join') seat.host.cell.pods.push(at);
      if (seat.kind === 'found') buy(at, [pod, ...companyFor(pod, waiting)]);
      changed ||= seat.kind === 'join' || seat.kind === 'found';
    }
  }
  return cells;
}

describe('pods that are placed one after the other, whatever they ask for', () => {
  test('are with one that they require, with none that either shuns, within what was bought; and who waits has to', () => {
    const runs = fc.property(fc.array(described, { maxLength: 12 }), fc.integer({ min: 0, max: 3 }), (list, spare) => {
      const pods = list.map(({ app, wants, shuns, cpu }, at) =>
        podOf(`p${at}`, {
          app,
          cpu: String(cpu),
          ...(wants === null ? {} : { with: [onHostOf(wants)] }),
          ...(shuns === null ? {} : { apart: [onHostOf(shuns)] }),
        }),
      );
      const cells = placed(pods, spare);
      const facts = (at: number): Described => list[at] as Described;
      const get = (one: number, other: number) =>
        facts(one).shuns !== facts(other).app && facts(other).shuns !== facts(one).app;
      for (const { pods: on, size } of cells) {
        const used = on.reduce((total, at) => total + facts(at).cpu, 0);
        expect(used * 1_000).toBeLessThanOrEqual(size.cpuMilli);
        for (const [place, at] of on.entries()) {
          expect(on.every((other) => other === at || get(at, other))).toBe(true);
          const { wants, app } = facts(at);
          if (wants === null) expect(place).toBe(0);
          else if (place > 0) expect(on.slice(0, place).some((other) => facts(other).app === wants)).toBe(true);
          else expect(wants).toBe(app);
        }
      }
      const seated = new Set(cells.flatMap(({ pods: on }) => on));
      for (const at of list.keys()) {
        if (seated.has(at)) continue;
        const { wants, app, cpu } = facts(at);
        expect(wants).not.toBeNull();
        const homes = cells.filter(({ pods: on }) => on.some((other) => facts(other).app === wants));
        const open = homes.filter(({ pods: on, size }) => {
          const used = on.reduce((total, other) => total + facts(other).cpu, 0);
          return on.every((other) => get(at, other)) && covers(size, resourcesOf({ cpu: String(used + cpu) }));
        });
        expect(open).toEqual([]);
        if (wants === app) expect(homes.length).toBeGreaterThan(0);
      }
    });
    fc.assert(runs, { numRuns: 500 });
  });
});
