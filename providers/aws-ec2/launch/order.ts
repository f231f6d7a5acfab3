import { createHash } from 'node:crypto';
import type { Offering } from '../../../src/core/offerings.ts';
import type { LaunchRequest } from '../../contract.ts';
import type { CellBoot } from '../boot.ts';
import { shapeText } from '../instances/shape.ts';
import type { AwsEc2Settings } from '../settings.ts';
import type { Given } from './fleets.ts';
import type { Network } from './network.ts';
import { type LaunchTemplate, templateOf } from './template.ts';

/** An offering that a machine may be, with all that it is launched by. */
export interface OrderedPool {
  readonly template: LaunchTemplate;
  readonly offering: Offering;
  readonly subnets: readonly string[];
}

/** A request, with all that its machine is made of. */
export interface Order {
  readonly request: LaunchRequest;
  /** The one that was chosen first; with others only where EC2 is to choose. */
  readonly pools: readonly [OrderedPool, ...OrderedPool[]];
  readonly kind: string;
}

export interface OrderParts {
  readonly settings: AwsEc2Settings;
  readonly boot: CellBoot;
  readonly network: Network;
}

/** A fleet takes 300 pools, each for every subnet of its zone; a third of that is as good a choice. */
const MAX_ALTERNATIVES = 59;

/** Names what machines have in common that stand in for each other, whichever of its pools each is of. */
function kindOf(pools: Order['pools'], className: string | undefined): string {
  const lines = pools.map(({ template, offering, subnets }) => {
    const { instanceType, launchType, zone } = offering;
    return [template.name, instanceType, launchType, zone, shapeText(offering), ...subnets].join('\n');
  });
  return createHash('sha256')
    .update([...lines, className].join('\n\n'))
    .digest('hex')
    .slice(0, 32);
}

/** Finds out what a request's machine is to be made of. An alternative that can't be launched is left out. */
export async function orderOf(
  request: LaunchRequest,
  { settings, boot, network }: OrderParts,
  signal: AbortSignal,
): Promise<Order> {
  const { offering, alternatives = [], cellClass, tags } = request;
  const securityGroups = await network.groupsOf(cellClass.spec, signal);
  const poolOf = async (one: Offering): Promise<OrderedPool> => {
    const [image, subnets] = await Promise.all([
      boot.image({ ...request, offering: one }, signal),
      network.subnetsIn(one.zone, cellClass.spec, signal),
    ]);
    const isBurstable = one.baselineCpuMilli !== undefined;
    const parts = { home: tags, settings, spec: cellClass.spec, image, securityGroups, isBurstable };
    return { template: templateOf(parts), offering: one, subnets };
  };
  // EC2 chooses well among spot pools; on demand the cheapest is the choice already.
  const others = offering.launchType === 'ec2-spot' ? alternatives.slice(0, MAX_ALTERNATIVES) : [];
  const [first, ...rest] = await Promise.all([poolOf(offering), ...others.map((one) => poolOf(one).catch(() => []))]);
  const pools: Order['pools'] = [first, ...rest.flat()];
  return { request, pools, kind: kindOf(pools, tags.cellClass) };
}

/** What a machine that EC2 has given was sold as, of what it was asked for. */
export function offeringOf({ pools }: Order, { instanceType, zone }: Omit<Given, 'instanceId'>): Offering {
  const ofType = pools.filter(({ offering }) => offering.instanceType === instanceType);
  const found = ofType.find(({ offering }) => offering.zone === zone) ?? ofType[0] ?? pools[0];
  return found.offering;
}
