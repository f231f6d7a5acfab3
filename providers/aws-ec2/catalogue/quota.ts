import type { MachineType } from './machine-type.ts';

/** Families whose vCPUs are counted together. Source: "Amazon EC2 instance type quotas" of the EC2 User Guide. */
const STANDARD = /^(im|is|[acdhimrtz])\d/;

/** Names the quota of vCPUs that a type counts to: one for the standard families, and about one for each other. */
export function quotaOf({ name }: Pick<MachineType, 'name'>): string {
  return STANDARD.test(name) ? 'standard' : (/^[a-z]+/.exec(name)?.[0] ?? name);
}
