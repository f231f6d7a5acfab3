import { createHash } from 'node:crypto';
import type { CreateFleetCommandInput, CreateFleetError } from '@aws-sdk/client-ec2';
import { NodelessError } from '../../../src/core/errors.ts';
import type { Offering } from '../../../src/core/offerings.ts';
import { capacityCode } from '../api/capacity-codes.ts';
import { failureOf } from '../api/failure.ts';
import { type Tags, tagList } from '../instances/tags.ts';

/** One offering that a fleet may be filled from. */
export interface Pool {
  readonly templateName: string;
  readonly offering: Offering;
  /** Of the offering's zone. */
  readonly subnets: readonly string[];
}

export interface FleetParts {
  /** Of one launch type; the one that was chosen first. */
  readonly pools: readonly Pool[];
  readonly count: number;
  readonly tags: Tags;
  readonly launchId: string;
  /** Counts the definite answers that there were to this launch before. */
  readonly attempt: number;
}

function digest(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('hex');
}

/** Names a launch by the cells that it is for: whoever launches these again, launches the same. */
export function launchIdOf(cellIds: readonly string[]): string {
  return digest(...[...cellIds].sort()).slice(0, 32);
}

/** A request for machines at once; asked for again with the same parts, EC2 gives the same machines. */
export function fleetRequest(parts: FleetParts): CreateFleetCommandInput {
  const { pools, count, tags, launchId, attempt } = parts;
  const isSpot = pools[0]?.offering.launchType === 'ec2-spot';
  const byTemplate = Map.groupBy(pools, ({ templateName }) => templateName);
  const request: CreateFleetCommandInput = {
    Type: 'instant',
    TargetCapacitySpecification: {
      TotalTargetCapacity: count,
      DefaultTargetCapacityType: isSpot ? 'spot' : 'on-demand',
    },
    ...(isSpot
      ? { SpotOptions: { AllocationStrategy: 'price-capacity-optimized' } }
      : { OnDemandOptions: { AllocationStrategy: 'lowest-price' } }),
    LaunchTemplateConfigs: [...byTemplate].map(([templateName, alike]) => ({
      LaunchTemplateSpecification: { LaunchTemplateName: templateName, Version: '1' },
      Overrides: alike.flatMap(({ offering, subnets }) =>
        subnets.map((SubnetId) => ({ InstanceType: offering.instanceType as never, SubnetId })),
      ),
    })),
    TagSpecifications: [{ ResourceType: 'instance', Tags: tagList(tags) }],
  };
  // 64 characters, which is the most that EC2 takes.
  return { ...request, ClientToken: digest(launchId, String(attempt), JSON.stringify(request)) };
}

/** An error of a fleet as if it had been thrown. */
export function wireErrorOf({ ErrorCode, ErrorMessage }: CreateFleetError = {}): Error {
  return Object.assign(new Error(ErrorMessage ?? 'EC2 gave fewer machines, and does not say why'), {
    name: ErrorCode ?? 'UnfulfillableCapacity',
    $metadata: { httpStatusCode: 400 },
  });
}

/** Why a fleet has fewer machines than it was to have. */
export function shortfallOf(
  errors: readonly CreateFleetError[],
  { instanceType, launchType, zone }: Offering,
  alternatives = 0,
): NodelessError {
  const identity = { offering: `${launchType}/${instanceType}/${zone}` };
  // One subnet that is full says less than a zone that has no machines.
  const [first] = errors.toSorted((a, b) => rank(a) - rank(b));
  const failure = failureOf(wireErrorOf(first), { action: 'ec2:CreateFleet', identity });
  const isLack = failure.code === 'InsufficientCapacity';
  const others = alternatives === 0 ? '' : `, nor any of ${alternatives} others that would do`;
  // What EC2 refuses of one machine is about its type, as far as anybody knows, unless it is about who asks.
  const scope = failure.code === 'Unauthorized' ? 'account' : 'type-in-region';
  return new NodelessError({
    code: failure.code,
    retryable: failure.retryable,
    message: isLack
      ? `${instanceType} (${launchType}) can not be had in ${zone}${others}: ${failure.message}`
      : failure.message,
    cause: failure,
    identity: { scope, ...failure.identity },
  });
}

/** What is definite and wider goes before what another subnet, or another second, may grant. */
function rank({ ErrorCode = '' }: CreateFleetError): number {
  const scope = capacityCode(ErrorCode)?.scope;
  if (scope === undefined) return 0;
  return scope === 'zone' ? 2 : 1;
}
