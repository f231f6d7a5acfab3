import type { BucketSize } from './token-bucket.ts';

/** One way in which a pool of machines is lacking. */
export interface Shortage {
  /** AWS' code, such as InsufficientInstanceCapacity. */
  readonly code: string;
  /** How many machines there are before it is lacking; none unless given. */
  readonly left?: number;
}

/** Which machines; what is not given is any. */
export interface Pool {
  readonly launchType?: 'on-demand' | 'spot';
  readonly instanceType?: string;
  readonly zone?: string;
}

/** What the bed does to requests of one action. */
export interface ActionFault {
  /** How many requests it befalls; all to come unless given. */
  readonly times?: number;
  /** Before the answer. */
  readonly delayMs?: number;
  /** An error that is answered in place of doing it. */
  readonly refuse?: { readonly status: number; readonly code: string };
  /** It is done, and then answered with a 5xx, or not at all. */
  readonly loseAnswer?: 'internal-error' | 'cut';
}

/** How the bed treats what comes; nothing is done where it says nothing. */
export interface AwsFaults {
  readonly latencyMs?: number;
  readonly actions?: Readonly<Record<string, ActionFault>>;
  readonly shortages?: readonly (Pool & Shortage)[];
  /** How many machines each answer to CreateFleet leaves out, without a word. */
  readonly unnamedMachines?: number;
  /** How long a new template is not known to CreateFleet. */
  readonly templatesAfterMs?: number;
  /** How long a new machine is missing from descriptions. */
  readonly visibleAfterMs?: number;
  /** Request buckets by action, `*` for each of all others. */
  readonly requestBuckets?: Readonly<Record<string, BucketSize>>;
  /** Machines that may be launched: EC2's own is 1,000 and 2 per second. */
  readonly instanceBucket?: BucketSize;
}
