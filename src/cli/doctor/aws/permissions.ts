import type { EC2 } from '@aws-sdk/client-ec2';
import { isNodelessError } from '../../../core/errors.ts';
import { type Finding, failed, ok, unknown } from '../finding.ts';
import type { AwsPatient } from './patient.ts';

const CHECK = 'permissions';
const FIX = 'allow them in the IAM policy of the provider: deploy/iam/aws-ec2.json has them all';
const DRY = { DryRun: true };
/** Never made, since nothing is that is only tried. */
const TEMPLATE = 'nodeless-doctor';

/** Calls that EC2 judges without making them. Those that need a machine of ours to be judged by are not among them. */
const TRIALS: Readonly<Record<string, (ec2: EC2, signal: AbortSignal) => Promise<unknown>>> = {
  'ec2:DescribeImages': (ec2, abortSignal) => ec2.describeImages({ ...DRY, Owners: ['self'] }, { abortSignal }),
  'ec2:DescribeInstanceStatus': (ec2, abortSignal) => ec2.describeInstanceStatus(DRY, { abortSignal }),
  'ec2:DescribeInstanceTypeOfferings': (ec2, abortSignal) => ec2.describeInstanceTypeOfferings(DRY, { abortSignal }),
  'ec2:DescribeInstanceTypes': (ec2, abortSignal) => ec2.describeInstanceTypes(DRY, { abortSignal }),
  'ec2:DescribeInstances': (ec2, abortSignal) => ec2.describeInstances(DRY, { abortSignal }),
  'ec2:DescribeLaunchTemplates': (ec2, abortSignal) => ec2.describeLaunchTemplates(DRY, { abortSignal }),
  'ec2:DescribeSecurityGroups': (ec2, abortSignal) => ec2.describeSecurityGroups(DRY, { abortSignal }),
  'ec2:DescribeSpotPriceHistory': (ec2, abortSignal) => ec2.describeSpotPriceHistory(DRY, { abortSignal }),
  'ec2:DescribeSubnets': (ec2, abortSignal) => ec2.describeSubnets(DRY, { abortSignal }),
  'ec2:CreateLaunchTemplate': (ec2, abortSignal) =>
    ec2.createLaunchTemplate(
      { ...DRY, LaunchTemplateName: TEMPLATE, LaunchTemplateData: { InstanceType: 'm7i.large' } },
      { abortSignal },
    ),
  'ec2:CreateFleet': (ec2, abortSignal) =>
    ec2.createFleet(
      {
        ...DRY,
        Type: 'instant',
        TargetCapacitySpecification: { TotalTargetCapacity: 1, DefaultTargetCapacityType: 'on-demand' },
        LaunchTemplateConfigs: [{ LaunchTemplateSpecification: { LaunchTemplateName: TEMPLATE, Version: '1' } }],
      },
      { abortSignal },
    ),
};

/** Whether the provider's credentials may do what it has to, as far as EC2 says that of what is only tried. */
export async function permissionsCheck({ client, signal }: AwsPatient): Promise<Finding> {
  const verdicts = await Promise.all(
    Object.entries(TRIALS).map(async ([action, run]) => {
      const call = { action: action as `ec2:${string}`, family: 'describe', repeatable: true } as const;
      try {
        await client.call({ ...call, run: ({ ec2 }, bounded) => run(ec2, bounded) }, signal);
        return { action, outcome: 'allowed' };
      } catch (error) {
        if (!isNodelessError(error)) throw error;
        const isAllowed = error.identity.awsCode === 'DryRunOperation' || error.code === 'NotFound';
        return { action, outcome: isAllowed ? 'allowed' : error.code === 'Unauthorized' ? 'refused' : error.message };
      }
    }),
  );
  const refused = verdicts.filter(({ outcome }) => outcome === 'refused').map(({ action }) => action);
  if (refused.length > 0) return failed(CHECK, `${refused.join(', ')} may not be done`, FIX);
  const [untold] = verdicts.filter(({ outcome }) => outcome !== 'allowed');
  if (untold !== undefined) return unknown(CHECK, `${untold.action}: ${untold.outcome}`);
  return ok(CHECK, `${verdicts.length} actions may be done; tagging and ending can not be tried without a machine`);
}
