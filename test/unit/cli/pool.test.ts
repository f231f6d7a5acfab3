import { describe, expect, test } from 'vitest';
import { poolChange } from '../../../src/cli/pool/pool-change.ts';
import { cheapestFor, costText } from '../../../src/cli/pool/pool-cost.ts';
import { poolsText, poolText } from '../../../src/cli/pool/pools-text.ts';
import type { KubeObject } from '../../../src/kube/objects.ts';
import { offeringOf } from '../../support/offering.ts';

const SPEC = { shape: { cpu: '500m', memory: '512Mi' }, startupSla: { target: '5s', percentile: 95 }, min: 1, max: 10 };
const BEFORE: KubeObject = { metadata: { name: 'web' }, spec: SPEC };

describe('nodeless pool set', () => {
  test('changes what flags name, and leaves the rest', () => {
    const { spec, object, pool, isOtherCell } = poolChange('web', { startupSla: '3s', max: 20 }, BEFORE);
    expect(spec).toEqual({ max: 20, startupSla: { target: '3s' } });
    expect(object.spec).toEqual({ ...SPEC, max: 20, startupSla: { target: '3s', percentile: 95 } });
    expect([pool.spec.startupSla, isOtherCell]).toEqual([{ target: 3_000, percentile: 95 }, false]);
  });

  test('makes a pool where there is none, of a shape or for pods with labels', () => {
    expect(poolChange('new', { shape: '1/2Gi' }, undefined).object.spec).toEqual({
      shape: { cpu: '1', memory: '2Gi' },
    });
    const { pool } = poolChange('new', { selector: 'app=web,tier=front' }, undefined);
    expect(pool.spec.selector).toEqual({ matchLabels: { app: 'web', tier: 'front' } });
  });

  test.each([
    [{ min: 30 }, 'spec.min is 30, and spec.max is 10; lower min, or raise max'],
    [{ shape: 'large' }, '--shape "large" is not CPU/MEMORY'],
    [{ selector: 'app' }, '--selector "app" is not KEY=VALUE'],
    [{ percentile: 101 }, 'spec.startupSla.percentile'],
    [{ schedule: ['0 8 * * * UTC 1h'] }, '--schedule "0 8 * * * UTC 1h" is not a cron, time zone, duration and limits'],
    [{ schedule: ['0 8 * * * Mars/Base 1h min=2'] }, 'spec.schedule.0.timeZone is no time zone that is known here'],
  ])('%j is refused with the remedy, before anything is asked', (flags, message) => {
    expect(() => poolChange('web', flags, BEFORE)).toThrow(message);
  });

  test('says what the pool will cost at least and at most', () => {
    const { pool } = poolChange('web', { min: 2, max: 20 }, BEFORE);
    const text = costText(pool, { instanceType: 'm7g.medium', pricePerHourUsd: 0.05 });
    expect(text).toContain('p95 within 5 s, 2 to 20 cells, as demand asks');
    expect(text).toContain('at least $0.1000/h ($73.00 a month), for 2 cells');
    expect(text).toContain('at most  $1.00/h ($730.00 a month), for 20 cells');
  });

  test('takes windows of other limits, says what they cost, and takes them away again', () => {
    const { pool, spec } = poolChange('web', { schedule: ['0 8 * * 1-5 Europe/Berlin 10h min=5 max=30'] }, BEFORE);
    expect(spec).toEqual({
      schedule: [{ cron: '0 8 * * 1-5', timeZone: 'Europe/Berlin', duration: '10h', min: 5, max: 30 }],
    });
    expect(costText(pool, { instanceType: 'm7g.medium', pricePerHourUsd: 0.05 })).toContain(
      'while 0 8 * * 1-5 Europe/Berlin is open for 600 min: 5 to 30 cells, $0.2500/h to $1.50/h',
    );
    expect(poolChange('web', { schedule: ['none'] }, BEFORE).spec).toEqual({ schedule: [] });
  });

  test('says how far a budget goes, and what is wrong where that is not to min', () => {
    const cell = { instanceType: 'm7g.medium', pricePerHourUsd: 0.05 };
    const limited = poolChange('web', { budget: 0.2 }, BEFORE).pool;
    expect(costText(limited, cell)).toContain('for 4 cells, as the budget allows');
    const short = poolChange('web', { min: 5, budget: 0.2 }, BEFORE).pool;
    expect(costText(short, cell)).toContain('the budget pays for 4 cells, and min is 5');
  });

  test('takes the price of the cheapest that fits, as the provider offers it', () => {
    const { pool } = poolChange('web', {}, BEFORE);
    const size = (cpuMilli: number) => ({ cpuMilli, memoryBytes: 1_024 ** 3, ephemeralStorageBytes: 0, extended: {} });
    const offerings = [250, 500, 2_000].map((cpu) => ({
      ...offeringOf(`cpu-${cpu}`, cpu / 1_000),
      capacity: size(cpu),
      allocatable: size(cpu),
    }));
    expect(cheapestFor(pool, offerings)).toMatchObject({ instanceType: 'cpu-500', pricePerHourUsd: 0.5 });
    expect(costText(pool, cheapestFor(pool, []))).toContain('what a cell costs is not known');
  });
});

describe('a pool as text', () => {
  const conditions = [
    { type: 'Degraded', status: 'True', reason: 'InsufficientCapacity', message: 'pods may start cold' },
  ];
  const status = {
    sla: '5 s p95',
    desired: 3,
    ready: 1,
    booting: 2,
    claimed: 4,
    hitRate: '98%',
    why: '3 cells',
    conditions,
  };
  const pool = { metadata: { name: 'web' }, spec: SPEC, status } as KubeObject;

  test('is one line in the list, with what is wrong', () => {
    expect(poolsText([pool])).toMatch(/^web +5 s p95 +3 +1 +2 +4 +98% +- +- +InsufficientCapacity$/m);
    expect(poolsText([])).toContain('nodeless pool set');
  });

  test('is shown with why it is so', () => {
    expect(poolText(pool)).toMatch(/^Cells +1 wait, 2 boot, 4 have pods; desired: 3$/m);
    expect(poolText(pool)).toMatch(/^Degraded +True, InsufficientCapacity: pods may start cold$/m);
  });
});
