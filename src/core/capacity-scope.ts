import type { Offering } from './offerings.ts';

/** How wide a lack may be, with what an offering has in common with the others that lack together with it. */
const AREAS = {
  offering: ({ launchType, instanceType, zone }) => `${launchType}/${instanceType}/${zone}`,
  'type-in-region': ({ launchType, instanceType }) => `${launchType}/${instanceType}`,
  architecture: ({ arch }) => arch,
  quota: ({ launchType, instanceType, quota = instanceType }) => `${launchType}/${quota}`,
  'launch-type': ({ launchType }) => launchType,
  zone: ({ zone }) => zone,
  account: () => '',
} as const satisfies Readonly<Record<string, (offering: Offering) => string>>;

/** What else can't be had with an offering that can't be had. */
export type CapacityScope = keyof typeof AREAS;

/** Names what an offering is of in a scope: what has the same name can't be had together with it. */
export function areaOf(offering: Offering, scope: CapacityScope): string {
  return AREAS[scope](offering);
}

/** The scope that a provider's error tells in its identity. */
export function scopeIn({ scope = '' }: Readonly<Record<string, string | number>>): CapacityScope | undefined {
  return Object.hasOwn(AREAS, scope) ? (scope as CapacityScope) : undefined;
}
