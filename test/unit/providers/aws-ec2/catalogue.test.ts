import type { InstanceTypeInfo } from '@aws-sdk/client-ec2';
import { describe, expect, test } from 'vitest';
import { estimateHourUsd } from '../../../../providers/aws-ec2/catalogue/estimate.ts';
import { machineTypeOf } from '../../../../providers/aws-ec2/catalogue/machine-type.ts';
import { type Market, offeringsOf } from '../../../../providers/aws-ec2/catalogue/offerings.ts';
import { priceOf, pricingRegionOf } from '../../../../providers/aws-ec2/catalogue/price-list.ts';
import { quotaOf } from '../../../../providers/aws-ec2/catalogue/quota.ts';
import { Refreshed } from '../../../../providers/aws-ec2/catalogue/refreshed.ts';
import { resourcesOf } from '../../../../providers/aws-ec2/catalogue/usable.ts';
import type { AwsEc2Settings } from '../../../../providers/aws-ec2/settings.ts';
import { awsEc2Settings } from '../../../../src/config/aws-ec2.ts';
import { parseConfig } from '../../../../src/config/load.ts';
import type { Clock } from '../../../../src/core/clock.ts';
import type { Offering } from '../../../../src/core/offerings.ts';
import { withRootVolume } from '../../../../src/core/root-volume.ts';
import { listPriceUsd } from '../../../support/aws/price-list.ts';
import { cellClass } from '../../../support/cell-class.ts';

const GiB = 2 ** 30;
const MiB = 2 ** 20;
const DISK = { sizeBytes: 20 * GiB, gibHourUsd: 0.0001, systemBytes: 3 * GiB, evictionShare: 0.1 };

function info(name: string, vcpus: number, memoryMiB: number, more: Partial<InstanceTypeInfo> = {}): InstanceTypeInfo {
  return {
    InstanceType: name as never,
    VCpuInfo: { DefaultVCpus: vcpus },
    MemoryInfo: { SizeInMiB: memoryMiB },
    ProcessorInfo: { SupportedArchitectures: [/^[a-z]+\d+g/.test(name) ? 'arm64' : 'x86_64'] },
    SupportedUsageClasses: ['on-demand', 'spot'],
    SupportedVirtualizationTypes: ['hvm'],
    SupportedRootDeviceTypes: ['ebs'],
    CurrentGeneration: true,
    BareMetal: false,
    BurstablePerformanceSupported: name.startsWith('t'),
    ...more,
  };
}

function typeOf(...given: Parameters<typeof info>) {
  const type = machineTypeOf(info(...given));
  if (type === undefined) throw new Error(`${given[0]} is no type for cells`);
  return type;
}

const SETTINGS: AwsEc2Settings = awsEc2Settings(
  parseConfig(
    {
      virtualNode: { address: '10.0.0.1' },
      awsEc2: { region: 'us-east-1', prices: { volumeGiBMonthUsd: 0.073, publicAddressHourUsd: 0.005 } },
    },
    'test',
  ),
);

function market(more: Partial<Market> = {}): Market {
  return {
    types: [typeOf('m7g.large', 2, 8_192)],
    typesByZone: new Map([['us-east-1a', new Set(['m7g.large', 't3.large', 'm7g.metal'])]]),
    onDemand: new Map([['m7g.large', 0.0816]]),
    spot: new Map([['us-east-1a', new Map([['m7g.large', 0.03]])]]),
    ...more,
  };
}

describe('instance types', () => {
  test.each([
    ['t3.nano', 2, 512, 100],
    ['t3.medium', 2, 4_096, 400],
    ['t3.2xlarge', 8, 32_768, 3_200],
    ['t4g.micro', 2, 1_024, 200],
    ['t2.2xlarge', 8, 32_768, 1_350],
  ])('%s gives a baseline of its CPU without end', (name, vcpus, memoryMiB, baselineCpuMilli) => {
    expect(typeOf(name, vcpus, memoryMiB).baselineCpuMilli).toBe(baselineCpuMilli);
  });

  test('a burstable type whose baseline nobody knows is left out', () => {
    expect(machineTypeOf(info('t9.large', 2, 8_192))).toBeUndefined();
  });

  test('machines that run macOS or no volumes are left out', () => {
    expect(
      machineTypeOf(info('mac2.metal', 8, 16_384, { ProcessorInfo: { SupportedArchitectures: ['arm64_mac'] } })),
    ).toBeUndefined();
    expect(machineTypeOf(info('m1.large', 2, 7_680, { SupportedRootDeviceTypes: ['instance-store'] }))).toBeUndefined();
  });

  test('devices are extended resources by who makes them', () => {
    const gpus = { GpuInfo: { Gpus: [{ Manufacturer: 'NVIDIA', Count: 4 }], TotalGpuMemoryInMiB: 90_000 } };
    expect(typeOf('g6.12xlarge', 48, 196_608, gpus).devices).toEqual({ 'nvidia.com/gpu': 4 });
    const neuron = { NeuronInfo: { NeuronDevices: [{ Count: 1 }] } };
    expect(typeOf('inf2.xlarge', 4, 16_384, neuron).devices).toEqual({ 'aws.amazon.com/neuron': 1 });
  });
});

describe('what of a machine pods may have', () => {
  test.each([
    ['m7g.large', 2, 8_192, 1_930, 8_192 * 0.925 - 366],
    ['m7i.4xlarge', 16, 65_536, 15_890, 65_536 * 0.925 - 366],
    ['t3.nano', 2, 512, 1_930, 512 * 0.925 - 366],
  ])('%s: CPU and memory less the kubelet and the VM', (name, vcpus, memoryMiB, cpuMilli, usableMiB) => {
    const { allocatable, capacity } = resourcesOf(typeOf(name, vcpus, memoryMiB), DISK);
    expect(allocatable.cpuMilli).toBe(cpuMilli);
    expect(allocatable.memoryBytes / MiB).toBe(Math.floor(usableMiB));
    expect(capacity.cpuMilli).toBe(vcpus * 1_000);
    expect(allocatable.ephemeralStorageBytes).toBe(15 * GiB);
  });
});

describe('offerings', () => {
  test('cost compute, root volume and, where asked for, an address', () => {
    const [without] = offeringsOf(market(), SETTINGS);
    expect(without?.pricePerHourUsd).toBeCloseTo(0.0816 + 0.002, 8);
    const [withAddress] = offeringsOf(market(), { ...SETTINGS, publicAddress: true });
    expect(withAddress?.pricePerHourUsd).toBeCloseTo(0.0816 + 0.002 + 0.005, 8);
  });

  test.each([
    [{ m7g: 30 }, 0.0816 * 0.7],
    [{ '*': 20 }, 0.0816 * 0.8],
    [{ '*': 20, m7g: 50 }, 0.0816 * 0.5],
    [{ c7g: 90 }, 0.0816],
  ])('a discount %j is off the compute on demand, and not off spot', (discounts, computeUsd) => {
    const [onDemand, spot] = offeringsOf(market(), { ...SETTINGS, discounts });
    expect(onDemand?.pricePerHourUsd).toBeCloseTo(computeUsd + 0.002, 8);
    expect(spot?.pricePerHourUsd).toBeCloseTo(0.03 + 0.002, 8);
  });

  test('of a burstable type count at its baseline, less what the kubelet takes of it', () => {
    const types = [typeOf('t3.large', 2, 8_192)];
    const onDemand = new Map([['t3.large', 0.0832]]);
    const [t3] = offeringsOf(market({ types, onDemand }), SETTINGS);
    expect(t3?.baselineCpuMilli).toBe(600 - 70);
    expect(t3).toMatchObject({ quota: 'standard', allocatable: { cpuMilli: 2_000 - 70 } });
  });

  test('are not on demand where a type is sold otherwise alone', () => {
    const types = [typeOf('m7g.large', 2, 8_192, { SupportedUsageClasses: ['spot', 'capacity-block'] as never })];
    expect(offeringsOf(market({ types }), SETTINGS).map(({ launchType }) => launchType)).toEqual(['ec2-spot']);
  });

  test('are as large and as dear as the root volume that a class asks for', () => {
    const [m7g] = offeringsOf(market(), SETTINGS) as [Offering];
    const { spec } = cellClass({ rootVolume: { size: '120Gi' } });
    const larger = withRootVolume(m7g, spec);
    expect(larger.pricePerHourUsd).toBeCloseTo(0.0816 + 0.012, 8);
    expect(larger.capacity.ephemeralStorageBytes).toBe(120 * GiB);
    expect(larger.allocatable.ephemeralStorageBytes).toBe((120 * 0.9 - 3) * GiB);
    expect(larger.allocatable.memoryBytes).toBe(m7g.allocatable.memoryBytes);
    expect(withRootVolume(m7g, cellClass().spec)).toBe(m7g);
    const { rootVolume: _given, ...another } = m7g;
    expect(withRootVolume(another, spec)).toBe(another);
  });

  test.each([
    ['m7g.large', 'standard'],
    ['im4gn.large', 'standard'],
    ['c7i.xlarge', 'standard'],
    ['g6.xlarge', 'g'],
    ['p5.48xlarge', 'p'],
    ['inf2.xlarge', 'inf'],
    ['dl1.24xlarge', 'dl'],
  ])('of %s count to the quota %s', (name, quota) => {
    expect(quotaOf({ name })).toBe(quota);
  });

  test('a type that has no spot price where others have one is not offered as spot', () => {
    const launchTypes = offeringsOf(market({ spot: new Map() }), SETTINGS).map(({ launchType }) => launchType);
    expect(launchTypes).toEqual(['ec2-on-demand']);
  });

  test('without spot prices at all, spot is estimated and says so', () => {
    const [onDemand, spot] = offeringsOf(market({ spot: undefined }), SETTINGS);
    expect(onDemand?.isPriceEstimated).toBeUndefined();
    expect(spot?.isPriceEstimated).toBe(true);
  });

  test('a type that a zone lacks is not offered there', () => {
    const typesByZone = new Map([['us-east-1b', new Set(['c7g.large'])]]);
    expect(offeringsOf(market({ typesByZone }), SETTINGS)).toEqual([]);
  });

  test('metal and previous generations count only when asked for', () => {
    const types = [
      typeOf('m7g.metal', 64, 262_144, { BareMetal: true }),
      typeOf('m7g.large', 2, 8_192, { CurrentGeneration: false }),
    ];
    const counted = (more: object) =>
      new Set(offeringsOf(market({ types }), { ...SETTINGS, ...more }).map(({ instanceType }) => instanceType));
    expect(counted({})).toEqual(new Set());
    expect(counted({ includeMetal: true })).toEqual(new Set(['m7g.metal']));
    expect(counted({ includePreviousGeneration: true })).toEqual(new Set(['m7g.large']));
  });
});

describe('an estimate', () => {
  test.each([
    ['c7g.large', 2, 4_096],
    ['c7i.xlarge', 4, 8_192],
    ['m6a.2xlarge', 8, 32_768],
    ['m7g.large', 2, 8_192],
    ['m7i.48xlarge', 192, 786_432],
    ['r7g.xlarge', 4, 32_768],
    ['r7i.large', 2, 16_384],
    ['t3.medium', 2, 4_096],
    ['t4g.large', 2, 8_192],
  ])('of %s is within a third of its list price', (name, vcpus, memoryMiB) => {
    const listed = listPriceUsd(name) ?? 0;
    const estimated = estimateHourUsd(typeOf(name, vcpus, memoryMiB));
    expect(estimated / listed).toBeGreaterThan(1 / 1.34);
    expect(estimated / listed).toBeLessThan(1.34);
  });

  test('of an older generation is higher, and of GPUs by their memory', () => {
    const newer = estimateHourUsd(typeOf('m6i.large', 2, 8_192));
    expect(estimateHourUsd(typeOf('m4.large', 2, 8_192))).toBeGreaterThan(newer);
    const gpus = { GpuInfo: { Gpus: [{ Manufacturer: 'NVIDIA', Count: 1 }], TotalGpuMemoryInMiB: 22_888 } };
    expect(estimateHourUsd(typeOf('g6.xlarge', 4, 16_384, gpus))).toBeGreaterThan(0.8);
  });
});

describe('the price list', () => {
  test.each([
    ['eu-west-3', 'eu-central-1'],
    ['ap-northeast-1', 'ap-south-1'],
    ['us-west-2', 'us-east-1'],
    ['sa-east-1', 'us-east-1'],
  ])('of %s is asked for in %s, where it is served', (region, served) => {
    expect(pricingRegionOf(region)).toBe(served);
  });

  test.each(['', 'null', '{}', '[1', '{"product":{"attributes":{"instanceType":"a"}},"terms":{}}'])(
    'an entry that is no price is passed over: %j',
    (entry) => {
      expect(priceOf(entry)).toBeUndefined();
    },
  );
});

describe('what is refreshed', () => {
  function setUp(load: () => Promise<number>) {
    let nowMs = 0;
    const failures: unknown[] = [];
    const clock: Clock = { now: () => nowMs, sleep: async () => {} };
    const onFailure = (error: unknown) => failures.push(error);
    const refreshed = new Refreshed({ load, renewAfterMs: 1_000, clock, random: () => 0.5, onFailure });
    return { refreshed, failures, pass: (ms: number) => (nowMs += ms) };
  }
  const never = new AbortController().signal;

  test('is used while it is renewed behind whoever asks, and not before its time', async () => {
    let loads = 0;
    const { refreshed, pass } = setUp(async () => ++loads);
    expect(await refreshed.get(never)).toBe(1);
    pass(1_099);
    expect(await refreshed.get(never)).toBe(1);
    expect(loads).toBe(1);
    pass(1);
    expect(await refreshed.get(never)).toBe(1);
    await expect.poll(() => refreshed.get(never)).toBe(2);
  });

  test('an outage keeps what is known, is told of once, and is not asked into', async () => {
    let loads = 0;
    const { refreshed, failures, pass } = setUp(async () => {
      loads += 1;
      if (loads > 1) throw new Error('out');
      return 7;
    });
    await refreshed.get(never);
    for (let minute = 0; minute < 3; minute += 1) {
      pass(60_000);
      expect(await refreshed.get(never)).toBe(7);
      await Promise.resolve();
      expect(await refreshed.get(never)).toBe(7);
    }
    await expect.poll(() => loads).toBe(4);
    expect(failures).toHaveLength(1);
  });

  test('what was never there is asked for again after a pause, not by everybody', async () => {
    let loads = 0;
    const { refreshed, pass } = setUp(async () => {
      loads += 1;
      throw new Error('out');
    });
    expect(await refreshed.getOrNone(never)).toBeUndefined();
    expect(await refreshed.getOrNone(never)).toBeUndefined();
    expect(loads).toBe(1);
    pass(40_000);
    await refreshed.getOrNone(never);
    expect(loads).toBe(2);
  });

  test('one that is waited for can be given up', async () => {
    const { refreshed } = setUp(() => new Promise(() => {}));
    await expect(refreshed.get(AbortSignal.timeout(5))).rejects.toThrow();
  });
});
