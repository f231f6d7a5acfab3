import type { Logger } from 'pino';
import type { Clock } from '../../src/core/clock.ts';
import type { AwsEc2Settings } from './settings.ts';

/** Whose machines a provider may see. */
export interface Owner {
  readonly clusterUid: string;
  readonly virtualNodes: readonly string[];
}

export interface AwsEc2ProviderOptions {
  readonly settings: AwsEc2Settings;
  readonly owner: Owner;
  /** Version of the cells' kubelets, such as `v1.34.4`. */
  readonly kubeletVersion: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}
