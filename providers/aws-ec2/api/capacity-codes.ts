import type { CapacityScope } from '../../../src/core/capacity-scope.ts';

/** One code by which EC2 says that an offering can't be had now. */
interface CapacityCode {
  readonly scope: CapacityScope;
  /** In words, with what helps beyond another offering, if anything does. */
  readonly meaning: string;
}

/**
 * Codes by which EC2 refuses, or fails to fill, a launch that another offering, or a later time, may grant.
 * Source: the error codes of the EC2 API reference, and what Karpenter and the CreateFleet documentation list.
 */
const CAPACITY_CODES: Readonly<Record<string, CapacityCode>> = {
  InsufficientInstanceCapacity: { scope: 'offering', meaning: 'the zone has no machine of this type now' },
  InsufficientCapacity: { scope: 'offering', meaning: 'the zone has no machine of this type now' },
  InsufficientHostCapacity: { scope: 'offering', meaning: 'no dedicated host has room' },
  InsufficientReservedInstanceCapacity: { scope: 'offering', meaning: 'the reservation has no machine left' },
  ReservationCapacityExceeded: { scope: 'offering', meaning: 'the reservation has no machine left' },
  UnfulfillableCapacity: { scope: 'offering', meaning: 'the fleet can not be filled from this pool' },
  SpotMaxPriceTooLow: { scope: 'offering', meaning: 'the spot price is above what is bid' },
  Unsupported: { scope: 'offering', meaning: 'the zone does not have this type, or not with these settings' },
  InvalidFleetConfiguration: {
    scope: 'offering',
    meaning: 'the zone does not have this type, or not with these settings',
  },
  InstanceTypeNotSupported: { scope: 'offering', meaning: 'the zone does not have this type' },
  MaxSpotInstanceCountExceeded: {
    scope: 'quota',
    meaning: 'the quota of spot vCPUs is used up; ask for a higher one in Service Quotas',
  },
  MaxSpotFleetRequestCountExceeded: {
    scope: 'launch-type',
    meaning: 'the quota of spot requests is used up; ask for a higher one in Service Quotas',
  },
  VcpuLimitExceeded: {
    scope: 'quota',
    meaning: 'the quota of vCPUs for this kind of type is used up; ask for a higher one in Service Quotas',
  },
  InstanceLimitExceeded: {
    scope: 'type-in-region',
    meaning: 'the quota of machines of this type is used up; ask for a higher one in Service Quotas',
  },
  InsufficientFreeAddressesInSubnet: {
    scope: 'zone',
    meaning: 'the subnet has no free address; give cells a larger subnet, or one more in this zone',
  },
  InsufficientAddressCapacity: { scope: 'zone', meaning: 'AWS has no free public address' },
  InsufficientVolumeCapacity: { scope: 'zone', meaning: 'the zone has no room for the root volume' },
  VolumeLimitExceeded: {
    scope: 'account',
    meaning: 'the quota of volumes is used up; delete some, or ask for a higher one in Service Quotas',
  },
  MaxFleetCountExceeded: {
    scope: 'account',
    meaning: 'the quota of fleets is used up; delete some, or ask for a higher one in Service Quotas',
  },
};

/** What a code says of capacity; undefined for codes that are about something else. */
export function capacityCode(code: string): CapacityCode | undefined {
  return Object.hasOwn(CAPACITY_CODES, code) ? CAPACITY_CODES[code] : undefined;
}
