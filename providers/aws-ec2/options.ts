import type { Logger } from 'pino';
import type { Clock } from '../../src/core/clock.ts';
import type { CellBoot } from './boot.ts';
import type { AwsEc2Settings } from './settings.ts';

/** Whose machines a provider may see. */
export interface Owner {
  readonly clusterUid: string;
  readonly virtualNodes: readonly string[];
}

export interface AwsEc2ProviderOptions {
  readonly settings: AwsEc2Settings;
  readonly owner: Owner;
  /** How machines become cells; without it, offerings are told and nothing is launched. */
  readonly boot?: CellBoot;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}
