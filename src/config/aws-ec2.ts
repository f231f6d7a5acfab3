import { NodelessError } from '../core/errors.ts';
import type { Config } from './schema.ts';

/** The configuration of the provider aws-ec2, which has to name a region. @throws NodelessError ConfigInvalid */
export function awsEc2Settings({ awsEc2 }: Config): Config['awsEc2'] & { readonly region: string } {
  const { region } = awsEc2;
  if (region !== undefined) return { ...awsEc2, region };
  throw new NodelessError({
    code: 'ConfigInvalid',
    message: 'awsEc2.region is required where the provider is aws-ec2; name the region that cells are to be in',
  });
}
