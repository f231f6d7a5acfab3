import type { AwsFaults, Pool } from './faults.ts';
import { spotPriceUsd } from './price-list.ts';
import type { AwsRequest } from './wire.ts';
import { openSet, textOf, withItems } from './xml-set.ts';

/** One override of a fleet request: a pool of machines that it may be filled from. */
interface Override {
  readonly index: string;
  readonly instanceType: string;
  readonly subnetId: string;
}

const OVERRIDE = /^LaunchTemplateConfigs\.(\d+)\.Overrides\.(\d+)\.InstanceType$/;

function overridesOf({ params }: AwsRequest): readonly Override[] {
  return [...params].flatMap(([key, instanceType]) => {
    const [, config, index] = OVERRIDE.exec(key) ?? [];
    if (index === undefined) return [];
    const prefix = `LaunchTemplateConfigs.${config}.Overrides.${index}`;
    return [{ index: prefix, instanceType, subnetId: params.get(`${prefix}.SubnetId`) ?? '' }];
  });
}

/** What of a fleet can be had, and the errors for the rest. */
export interface Filled {
  readonly count: number;
  /** What each pool gives, of those that give any. */
  readonly shares: readonly { readonly index: string; readonly count: number }[];
  /** Items of `errorSet`. */
  readonly errors: readonly string[];
}

function isOf(pool: Pool, launchType: string, instanceType: string, zone: string): boolean {
  const { launchType: wanted = launchType, instanceType: type = instanceType, zone: place = zone } = pool;
  return wanted === launchType && type === instanceType && place === zone;
}

function errorItem(request: AwsRequest, { index, instanceType, subnetId }: Override, lifecycle: string, code: string) {
  const [config] = index.split('.Overrides');
  const template = request.params.get(`${config}.LaunchTemplateSpecification.LaunchTemplateName`) ?? '';
  const version = request.params.get(`${config}.LaunchTemplateSpecification.Version`) ?? '1';
  const named = `<launchTemplateSpecification><launchTemplateName>${template}</launchTemplateName><version>${version}</version></launchTemplateSpecification>`;
  const override = `<overrides><instanceType>${instanceType}</instanceType><subnetId>${subnetId}</subnetId></overrides>`;
  return (
    `<item><launchTemplateAndOverrides>${named}${override}</launchTemplateAndOverrides><lifecycle>${lifecycle}</lifecycle>` +
    `<errorCode>${code}</errorCode><errorMessage>injected: ${code}</errorMessage></item>`
  );
}

/** How many machines of each pool were launched, by which shortages with a rest are counted. */
export type Launched = Map<string, number>;

/** Of spot EC2 chooses by price and depth: the cheapest of the deepest, and all are as deep. On demand by price alone, here in their order. */
function inOrder(overrides: readonly Override[], lifecycle: string, zoneOf: (subnetId: string) => string) {
  if (lifecycle !== 'spot') return overrides;
  const usd = ({ instanceType, subnetId }: Override) => spotPriceUsd(instanceType, zoneOf(subnetId));
  return overrides.toSorted((a, b) => usd(a) - usd(b));
}

/** Judges a fleet by what is lacking, and by how many machines may be launched now. */
export function fill(
  request: AwsRequest,
  { shortages = [] }: AwsFaults,
  zoneOf: (subnetId: string) => string,
  launched: Launched,
  grant: (wanted: number) => number,
): Filled {
  const { params } = request;
  const target = 'TargetCapacitySpecification';
  const wanted = Number(params.get(`${target}.TotalTargetCapacity`) ?? 0);
  const lifecycle = params.get(`${target}.DefaultTargetCapacityType`) ?? 'on-demand';
  const errors: string[] = [];
  let count = 0;
  const shares: { index: string; count: number }[] = [];
  for (const override of inOrder(overridesOf(request), lifecycle, zoneOf)) {
    const zone = zoneOf(override.subnetId);
    const key = `${lifecycle}/${override.instanceType}/${zone}`;
    const lacking = shortages.find((shortage) => isOf(shortage, lifecycle, override.instanceType, zone));
    const before = launched.get(key) ?? 0;
    const there = lacking === undefined ? wanted : Math.max(0, (lacking.left ?? 0) - before);
    const got = Math.min(wanted - count, there);
    count += got;
    if (got > 0) shares.push({ index: override.index, count: got });
    launched.set(key, before + got);
    if (lacking !== undefined && count < wanted) errors.push(errorItem(request, override, lifecycle, lacking.code));
  }
  const granted = grant(count);
  const [first] = overridesOf(request);
  if (granted < count && first !== undefined) {
    errors.push(errorItem(request, first, lifecycle, 'RequestLimitExceeded'));
  }
  const cut = shares.map(({ index, count: of }, at) => {
    const before = shares.slice(0, at).reduce((sum, share) => sum + share.count, 0);
    return { index, count: Math.max(0, Math.min(of, granted - before)) };
  });
  return { count: granted, shares: cut.filter((share) => share.count > 0), errors };
}

/** The request as it is passed on for the machines of one pool. */
export function asking({ params }: AwsRequest, index: string, count: number): string {
  const config = index.slice(0, index.indexOf('.Overrides.'));
  const kept = [...params].flatMap(([key, value]) => {
    if (!key.startsWith('LaunchTemplateConfigs.')) return [[key, value]];
    if (key.startsWith(`${index}.`)) return [[key.replace(index, 'LaunchTemplateConfigs.1.Overrides.1'), value]];
    const isOfConfig = key.startsWith(`${config}.`) && !key.includes('.Overrides.');
    return isOfConfig ? [[key.replace(config, 'LaunchTemplateConfigs.1'), value]] : [];
  });
  const passed = new URLSearchParams(kept as [string, string][]);
  passed.delete('ClientToken');
  passed.set('TargetCapacitySpecification.TotalTargetCapacity', String(count));
  return passed.toString();
}

/** Several answers to CreateFleet as one. */
export function together([first = '', ...others]: readonly string[]): string {
  const items = [first, ...others].flatMap((answer) => openSet(answer, 'fleetInstanceSet').items);
  return withItems(openSet(first, 'fleetInstanceSet'), items);
}

/** An answer to CreateFleet with the errors in it, as EC2 gives them beside what was launched. */
export function withErrors(answer: string, errors: readonly string[]): string {
  return answer.replace('<fleetInstanceSet', `<errorSet>${errors.join('')}</errorSet><fleetInstanceSet`);
}

/** An answer to CreateFleet without its first machines. */
export function withoutMachines(answer: string, count: number): string {
  const left = launchedIds(answer).slice(0, count);
  return left.reduce((shown, id) => shown.replace(`<item>${id}</item>`, ''), answer);
}

/** The whole answer where nothing could be launched. */
export function emptyFleet(errors: readonly string[]): string {
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n<CreateFleetResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15">' +
    `<requestId>bed</requestId><fleetId>fleet-00000000-0000-0000-0000-000000000000</fleetId>` +
    `<errorSet>${errors.join('')}</errorSet><fleetInstanceSet/></CreateFleetResponse>`
  );
}

/** Ids of the machines that an answer names. */
export function launchedIds(answer: string): readonly string[] {
  return openSet(answer, 'fleetInstanceSet').items.flatMap((item) =>
    openSet(item, 'instanceIds').items.map((id) => textOf(id, 'item') ?? ''),
  );
}
