import type { AwsClient } from '../../../../providers/aws-ec2/api/aws-client.ts';
import type { AwsEc2Settings } from '../../../../providers/aws-ec2/settings.ts';

/** What the checks of EC2 look at. */
export interface AwsPatient {
  readonly client: AwsClient;
  readonly settings: AwsEc2Settings;
  /** Such as `v1.34.4`. */
  readonly kubeletVersion: string;
  /** Port of the cell API, which cells have to reach. */
  readonly cellApiPort: number;
  readonly signal: AbortSignal;
}
