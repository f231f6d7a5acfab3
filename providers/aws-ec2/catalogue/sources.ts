import type { Subnet } from '@aws-sdk/client-ec2';
import { NodelessError } from '../../../src/core/errors.ts';
import type { AwsClient } from '../api/aws-client.ts';
import { allPages } from '../api/pages.ts';
import type { AwsEc2Settings } from '../settings.ts';
import { type MachineType, machineTypeOf } from './machine-type.ts';
import { priceOf, productFilters } from './price-list.ts';

const TYPES_PER_PAGE = 100;
const ROWS_PER_PAGE = 1_000;
const PRODUCTS_PER_PAGE = 100;

/** Zones proper: not local zones, nor those of wavelength or outposts, whose machines and prices are others. */
function isPlainZone(zone: string, region: string): boolean {
  return zone.startsWith(region) && /^[a-z]$/.test(zone.slice(region.length));
}

export async function readTypes(client: AwsClient, signal: AbortSignal): Promise<readonly MachineType[]> {
  const infos = await allPages(async (token) => {
    const answer = await client.call(
      {
        action: 'ec2:DescribeInstanceTypes',
        family: 'describe',
        run: ({ ec2 }, abortSignal) =>
          ec2.describeInstanceTypes({ MaxResults: TYPES_PER_PAGE, NextToken: token }, { abortSignal }),
      },
      signal,
    );
    return { items: answer.InstanceTypes ?? [], next: answer.NextToken };
  });
  return infos.flatMap((info) => machineTypeOf(info) ?? []);
}

/** The subnets that are configured. @throws NodelessError NotFound where one of them does not exist */
export async function readOwnSubnets(
  client: AwsClient,
  subnets: readonly string[],
  signal: AbortSignal,
): Promise<readonly Subnet[]> {
  const answer = await client.call(
    {
      action: 'ec2:DescribeSubnets',
      family: 'describe',
      run: ({ ec2 }, abortSignal) => ec2.describeSubnets({ SubnetIds: [...subnets] }, { abortSignal }),
    },
    signal,
  );
  return answer.Subnets ?? [];
}

/** The zones that the subnets of cells are in; undefined where none are named. */
async function subnetZones(client: AwsClient, subnets: readonly string[], signal: AbortSignal) {
  if (subnets.length === 0) return undefined;
  const found = await readOwnSubnets(client, subnets, signal);
  return new Set(found.flatMap(({ AvailabilityZone }) => AvailabilityZone ?? []));
}

/** Names of the types that each zone has, of the zones that cells can be in. */
export async function readZones(
  client: AwsClient,
  { region, subnets }: AwsEc2Settings,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const wanted = await subnetZones(client, subnets, signal);
  const rows = await allPages(async (token) => {
    const answer = await client.call(
      {
        action: 'ec2:DescribeInstanceTypeOfferings',
        family: 'describe',
        run: ({ ec2 }, abortSignal) =>
          ec2.describeInstanceTypeOfferings(
            { LocationType: 'availability-zone', MaxResults: ROWS_PER_PAGE, NextToken: token },
            { abortSignal },
          ),
      },
      signal,
    );
    return { items: answer.InstanceTypeOfferings ?? [], next: answer.NextToken };
  });
  const byZone = new Map<string, Set<string>>();
  for (const { Location: zone = '', InstanceType: name = '' } of rows) {
    if (wanted === undefined ? !isPlainZone(zone, region) : !wanted.has(zone)) continue;
    const names = byZone.get(zone) ?? new Set();
    byZone.set(zone, names.add(name));
  }
  return byZone;
}

/** USD per hour on demand, by type. */
export async function readPriceList(
  client: AwsClient,
  region: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const filters = productFilters(region).map((filter) => ({ ...filter, Type: 'TERM_MATCH' as const }));
  const products = await allPages(async (token) => {
    const answer = await client.call(
      {
        action: 'pricing:GetProducts',
        family: 'price',
        run: ({ pricing }, abortSignal) =>
          pricing.getProducts(
            { ServiceCode: 'AmazonEC2', Filters: filters, MaxResults: PRODUCTS_PER_PAGE, NextToken: token },
            { abortSignal },
          ),
      },
      signal,
    );
    return { items: answer.PriceList ?? [], next: answer.NextToken };
  });
  const prices = products.flatMap((entry) => priceOf(entry) ?? []);
  if (prices.length === 0) {
    const message = `the price list has no prices of ${region}`;
    throw new NodelessError({ code: 'NotFound', message, identity: { region } });
  }
  return new Map(prices.map(({ instanceType, hourUsd }) => [instanceType, hourUsd]));
}

/** USD per hour of spot as it is at `nowMs`, by zone and type. */
export async function readSpotPrices(
  client: AwsClient,
  nowMs: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ReadonlyMap<string, number>>> {
  const rows = await allPages(async (token) => {
    const answer = await client.call(
      {
        action: 'ec2:DescribeSpotPriceHistory',
        family: 'describe',
        run: ({ ec2 }, abortSignal) =>
          ec2.describeSpotPriceHistory(
            {
              // From now on: the last change of each, which is the price now.
              StartTime: new Date(nowMs),
              ProductDescriptions: ['Linux/UNIX', 'Linux/UNIX (Amazon VPC)'],
              MaxResults: ROWS_PER_PAGE,
              NextToken: token,
            },
            { abortSignal },
          ),
      },
      signal,
    );
    return { items: answer.SpotPriceHistory ?? [], next: answer.NextToken };
  });
  const byZone = new Map<string, Map<string, number>>();
  const newest = new Map<string, number>();
  for (const { AvailabilityZone: zone = '', InstanceType: name = '', SpotPrice, Timestamp } of rows) {
    const usd = Number(SpotPrice);
    const atMs = Timestamp?.getTime() ?? 0;
    if (!(usd > 0) || atMs < (newest.get(`${zone}/${name}`) ?? Number.NEGATIVE_INFINITY)) continue;
    newest.set(`${zone}/${name}`, atMs);
    const prices = byZone.get(zone) ?? new Map<string, number>();
    byZone.set(zone, prices.set(name, usd));
  }
  return byZone;
}
