import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { createAwsClient } from '../../../../providers/aws-ec2/api/aws-client.ts';
import { createCatalogue, type MarketPart } from '../../../../providers/aws-ec2/catalogue/catalogue.ts';
import type { AwsEc2Settings } from '../../../../providers/aws-ec2/settings.ts';
import { awsEc2Settings } from '../../../../src/config/aws-ec2.ts';
import { parseConfig } from '../../../../src/config/load.ts';
import { systemClock } from '../../../../src/core/clock.ts';
import type { Offering } from '../../../../src/core/offerings.ts';
import { type AwsBed, BED_REGION, bedCredentials, startAwsBed } from '../../../support/aws/bed.ts';
import { listPriceUsd } from '../../../support/aws/price-list.ts';

vi.setConfig({ testTimeout: 120_000 });
const soon = () => AbortSignal.timeout(100_000);

const ON_DEMAND = { 'nodeless.io/launch-type': 'ec2-on-demand' };

let bed: AwsBed;
const closing: (() => void)[] = [];

function settings(given: object = {}): AwsEc2Settings {
  const awsEc2 = { region: BED_REGION, endpoint: bed.url, ...given };
  return awsEc2Settings(parseConfig({ virtualNode: { address: '10.0.0.1' }, awsEc2 }, 'test'));
}

function catalogueOf(given: object = {}) {
  const failed: { readonly part: MarketPart; readonly error: unknown }[] = [];
  const parts = { settings: settings(given), clock: systemClock };
  const client = createAwsClient(parts);
  const onFailure = (part: MarketPart, error: unknown) => failed.push({ part, error });
  const catalogue = createCatalogue({
    ...parts,
    client,
    random: Math.random,
    onFailure,
  });
  closing.push(() => {
    catalogue.stop();
    client.close();
  });
  return { catalogue, failed };
}

function only(offerings: readonly Offering[], wanted: Partial<Offering>): readonly Offering[] {
  return offerings.filter((offering) =>
    Object.entries(wanted).every(([field, value]) => offering[field as keyof Offering] === value),
  );
}

beforeAll(async () => {
  bedCredentials();
  bed = await startAwsBed();
}, 300_000);

afterEach(() => {
  bed.set({});
  bed.forget();
  for (const close of closing.splice(0)) close();
});

afterAll(() => bed.close());

describe('the offerings of EC2', () => {
  test('are read whole, in pages, at the price list plus the root volume', async () => {
    const { catalogue, failed } = catalogueOf();
    const offerings = await catalogue.offerings(soon());
    expect(failed).toEqual([]);
    const pages = bed.requests.filter(({ action }) => action === 'ec2:DescribeInstanceTypes');
    expect(pages.length).toBeGreaterThan(10);
    expect(new Set(offerings.map(({ instanceType }) => instanceType)).size).toBeGreaterThan(500);
    const [m7g] = only(offerings, { instanceType: 'm7g.large', launchType: 'ec2-on-demand', zone: 'us-east-1a' });
    const volumeUsd = (20 * 0.08) / 730;
    expect(m7g?.pricePerHourUsd).toBeCloseTo((listPriceUsd('m7g.large') ?? 0) + volumeUsd, 6);
    expect(m7g?.isPriceEstimated).toBeUndefined();
    expect(m7g?.arch).toBe('arm64');
  });

  test('have a spot price of each zone, below that on demand', async () => {
    const offerings = await catalogueOf().catalogue.offerings(soon());
    const spot = only(offerings, { instanceType: 'c7i.xlarge', launchType: 'ec2-spot' });
    const onDemand = only(offerings, { instanceType: 'c7i.xlarge', launchType: 'ec2-on-demand' });
    expect(spot.length).toBeGreaterThan(2);
    expect(new Set(spot.map(({ pricePerHourUsd }) => pricePerHourUsd)).size).toBe(spot.length);
    for (const { pricePerHourUsd } of spot) expect(pricePerHourUsd).toBeLessThan(onDemand[0]?.pricePerHourUsd ?? 0);
  });

  test('are those of the zones that the subnets of cells are in', async () => {
    const subnet = bed.subnets.get('us-east-1c') ?? '';
    const offerings = await catalogueOf({ subnets: [subnet] }).catalogue.offerings(soon());
    expect(new Set(offerings.map(({ zone }) => zone))).toEqual(new Set(['us-east-1c']));
  });

  test('have no metal and no previous generation, unless these are asked for', async () => {
    const usual = await catalogueOf().catalogue.offerings(soon());
    expect(usual.filter(({ instanceType }) => /metal|^m4\./.test(instanceType))).toEqual([]);
    const all = catalogueOf({ includeMetal: true, includePreviousGeneration: true }).catalogue;
    const names = (await all.offerings(soon())).map(({ instanceType }) => instanceType);
    expect(names).toContain('m7i.metal-24xl');
    expect(names).toContain('m4.large');
  });

  test('are priced by an estimate, and say so, where no price list can be read', async () => {
    bed.set({ actions: { 'pricing:GetProducts': { refuse: { status: 400, code: 'AccessDeniedException' } } } });
    const { catalogue, failed } = catalogueOf();
    const [m7g] = only(await catalogue.offerings(soon()), { instanceType: 'm7g.large', launchType: 'ec2-on-demand' });
    expect(m7g?.isPriceEstimated).toBe(true);
    expect(failed.map(({ part }) => part)).toEqual(['price list']);
    expect(failed[0]?.error).toMatchObject({ code: 'Unauthorized', identity: { action: 'pricing:GetProducts' } });
  });

  test('are read again more slowly where EC2 throttles', async () => {
    bed.set({ requestBuckets: { 'ec2:DescribeInstanceTypes': { capacity: 3, perSecond: 8 } } });
    const offerings = await catalogueOf().catalogue.offerings(soon());
    expect(only(offerings, { instanceType: 'm7g.large' }).length).toBeGreaterThan(0);
  });

  test('that EC2 does not let be read are refused with the action that is lacking', async () => {
    bed.set({ actions: { 'ec2:DescribeInstanceTypes': { refuse: { status: 403, code: 'UnauthorizedOperation' } } } });
    await expect(catalogueOf().catalogue.offerings(soon())).rejects.toMatchObject({
      code: 'Unauthorized',
      message: expect.stringContaining('ec2:DescribeInstanceTypes'),
    });
  });

  test('are asked of AWS once, however often they are asked for', async () => {
    const { catalogue } = catalogueOf();
    await Promise.all([catalogue.offerings(soon()), catalogue.offerings(soon())]);
    const before = bed.requests.length;
    await catalogue.offerings(soon());
    expect(bed.requests.length).toBe(before);
  });

  test('are what `nodeless plan` chooses from, with a price that it marks where it is estimated', async () => {
    bed.set({ actions: { 'pricing:GetProducts': { refuse: { status: 400, code: 'AccessDeniedException' } } } });
    const folder = await mkdtemp(join(tmpdir(), 'plan-'));
    try {
      const [config, manifest] = [join(folder, 'nodeless.yaml'), join(folder, 'pod.yaml')];
      const awsEc2 = { region: BED_REGION, endpoint: bed.url };
      await writeFile(config, JSON.stringify({ virtualNode: { address: '10.0.0.1' }, awsEc2 }));
      const resources = { requests: { cpu: '1', memory: '2Gi' } };
      const spec = { containers: [{ name: 'web', image: 'nginx', resources }], nodeSelector: ON_DEMAND };
      await writeFile(manifest, JSON.stringify({ kind: 'Pod', apiVersion: 'v1', metadata: { name: 'web' }, spec }));
      const plan = ['plan', '--provider', 'aws-ec2', '--config', config, '-f', manifest];
      const { stdout, stderr } = await promisify(execFile)('bin/nodeless', plan, { timeout: 60_000 });
      expect(stdout).toMatch(/c6a\.large +ec2-on-demand +us-east-1a +amd64 .*\/h estimated/);
      expect(stderr).toContain('the price list can not be read: pricing:GetProducts');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
