import type { Offering } from '../../src/core/offerings.ts';
import { resourcesOf } from '../../src/core/resources.ts';

/** A machine that can be had on demand, of 2 CPU and 4Gi unless told otherwise. */
export function offeringOf(instanceType: string, pricePerHourUsd: number, more: Partial<Offering> = {}): Offering {
  const allocatable = resourcesOf({ cpu: '2', memory: '4Gi', 'ephemeral-storage': '20Gi' });
  return {
    instanceType,
    launchType: 'ec2-on-demand',
    zone: 'a',
    arch: 'amd64',
    allocatable,
    capacity: allocatable,
    pricePerHourUsd,
    available: true,
    ...more,
  };
}
