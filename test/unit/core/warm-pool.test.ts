import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { isNodelessError } from '../../../src/core/errors.ts';
import { parseWarmPool, warmPoolSpecSchema } from '../../../src/core/warm-pool.ts';
import { specFields } from '../../support/schema-fields.ts';

const EXAMPLES = new URL('../../../deploy/examples/warm-pools.yaml', import.meta.url);
const OPEN = { cron: '0 8 * * *', duration: '1h', min: 3 };
const SHAPE = { cpu: '1', memory: '1Gi' };

function parsed(spec: object) {
  return parseWarmPool({ metadata: { name: 'web', uid: 'u' }, spec });
}

describe('a WarmPool', () => {
  test('has the same fields, types and defaults in its definition and in its parser', async () => {
    const { ours, theirs } = await specFields(warmPoolSpecSchema, 'warmpools.yaml');
    expect(Object.keys(ours).length).toBeGreaterThan(20);
    expect(ours).toEqual(theirs);
  });

  test('of the examples is valid', async () => {
    const documents = parseAllDocuments(await readFile(EXAMPLES, 'utf8')).map((document) => document.toJS());
    expect(documents.map((object) => parseWarmPool(object).name)).toEqual(['small', 'checkout']);
  });

  test('has an SLA and limits where it says nothing of them, and its shape in numbers', () => {
    const { name, uid, spec } = parsed({ shape: SHAPE });
    expect([name, uid]).toEqual(['web', 'u']);
    expect(spec).toEqual({
      shape: { cpuMilli: 1_000, memoryBytes: 1_024 ** 3, ephemeralStorageBytes: 0, extended: {} },
      startupSla: { target: 5_000, percentile: 95 },
      min: 0,
      max: 10,
      replicas: 0,
      tiers: ['running'],
      budget: {},
    });
  });

  test.each<[object, RegExp]>([
    [{}, /spec\.shape is not given, and spec\.selector neither; give the size/],
    [{ shape: SHAPE, size: 3 }, /spec has fields that no pool has: size/],
    [{ shape: { cpu: '1' } }, /spec\.shape\.memory/],
    [{ shape: { cpu: '0', memory: '1Gi' } }, /spec\.shape has no CPU or no memory; name/],
    [{ shape: { cpu: 'much', memory: '1Gi' } }, /spec\.shape\.cpu "much" is not a Kubernetes quantity/],
    [{ shape: { cpu: '-1', memory: '1Gi' } }, /spec\.shape /],
    [{ shape: SHAPE, min: 3, max: 2 }, /spec\.min is 3, and spec\.max is 2; lower min, or raise max/],
    [{ shape: SHAPE, min: -1 }, /spec\.min/],
    [{ shape: SHAPE, max: 1_001 }, /spec\.max/],
    [{ shape: SHAPE, replicas: 1.5 }, /spec\.replicas/],
    [{ shape: SHAPE, min: 1, budget: { maxPricePerHourUsd: 0 } }, /spec\.budget\.maxPricePerHourUsd is 0, and/],
    [{ shape: SHAPE, launchTypes: ['ec2-spot', 'fargate'] }, /spec\.launchTypes names fargate, .*; drop it/],
    [{ shape: SHAPE, launchTypes: ['moon'] }, /spec\.launchTypes\.0/],
    [{ shape: SHAPE, startupSla: { target: '0s' } }, /spec\.startupSla\.target is longer than nothing/],
    [{ shape: SHAPE, startupSla: { target: 'soon' } }, /spec\.startupSla\.target "soon" is not a duration/],
    [{ shape: SHAPE, startupSla: { percentile: 100 } }, /spec\.startupSla\.percentile/],
    [
      { shape: SHAPE, schedule: [{ ...OPEN, timeZone: 'Mars/Base' }] },
      /schedule\.0\.timeZone is no time zone.*IANA names, such as/,
    ],
    [
      { shape: SHAPE, schedule: [{ ...OPEN, cron: '0 0 8 * * *' }] },
      /schedule\.0\.cron "0 0 8 \* \* \*" is not minute, hour, day/,
    ],
    [
      { shape: SHAPE, schedule: [{ ...OPEN, cron: '0 0 30 2 *' }] },
      /schedule\.0\.cron "0 0 30 2 \*" never comes; name days/,
    ],
    [{ shape: SHAPE, schedule: [{ ...OPEN, duration: '0s' }] }, /schedule\.0\.duration is not between 1m and 31d/],
    [{ shape: SHAPE, schedule: [{ ...OPEN, min: undefined }] }, /schedule\.0 has neither min nor max/],
    [{ shape: SHAPE, tiers: ['stopped'] }, /spec\.tiers has no running, .*; add it/],
    [{ shape: SHAPE, tiers: ['frozen'] }, /spec\.tiers\.0/],
    [{ shape: SHAPE, images: ['web; reboot'] }, /spec\.images\.0 is no image; name it as a container does/],
    [{ shape: SHAPE, max: 2, schedule: [OPEN] }, /spec\.schedule 0 asks for at least 3 and at most 2 cells; give/],
    [{ shape: SHAPE, schedule: [OPEN, { ...OPEN, min: 0, max: 1 }] }, /spec\.schedule 0 .* and 1 .* are open at once/],
    [{ selector: { matchExpressions: [{ key: 'a', operator: 'In' }] } }, /matchExpressions\.0 has values with In/],
    [{ selector: { matchExpressions: [{ key: 'a', operator: 'Exists', values: ['b'] }] } }, /none with Exists/],
  ])('%j is refused with the field and what mends it', (spec, message) => {
    expect(() => parsed(spec)).toThrow(
      expect.toSatisfy((error) => isNodelessError(error, 'ConfigInvalid') && message.test(error.message)),
    );
  });
});
