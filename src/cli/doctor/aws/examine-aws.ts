import { al2023Parameter } from '../../../../providers/aws-ec2/boot/family.ts';
import { Images } from '../../../../providers/aws-ec2/boot/images.ts';
import { SPOT_NOTICE_MS } from '../../../../providers/aws-ec2/interruption/message.ts';
import { systemClock } from '../../../core/clock.ts';
import { isNodelessError, messageOf } from '../../../core/errors.ts';
import { examined, type Finding, failed, ok, warning } from '../finding.ts';
import { groupsCheck, subnetsCheck } from './network.ts';
import type { AwsPatient } from './patient.ts';
import { permissionsCheck } from './permissions.ts';

/** The image that cells have whose class names none. */
async function imageCheck({ client, kubeletVersion, signal }: AwsPatient): Promise<Finding> {
  const minor = kubeletVersion.replace(/^v?(\d+\.\d+).*/, '$1');
  const images = new Images({ client, clock: systemClock, random: Math.random, onFailure: () => undefined });
  try {
    const { imageId } = await images.byParameter(al2023Parameter(minor, 'amd64'), 'amd64', signal);
    return ok('image', `${imageId} is the newest Amazon Linux 2023 of Kubernetes ${minor}`);
  } catch (error) {
    if (!isNodelessError(error, 'NotFound')) throw error;
    return failed('image', messageOf(error), 'set virtualNode.kubeletVersion to a minor that EKS has images of');
  } finally {
    images.stop();
  }
}

/** Whether the queue of interruptions can be read; nothing is taken from it. */
async function queueCheck({ client, settings, signal }: AwsPatient): Promise<Finding> {
  const { interruptionQueue: QueueUrl } = settings;
  const check = 'interruptions';
  if (QueueUrl === undefined)
    return warning(
      check,
      `awsEc2.interruptionQueue is not set: pods on spot do not use the ${SPOT_NOTICE_MS / 1_000} s of notice`,
      'make a queue and its rule as docs/aws-ec2.md says',
    );
  await client.call(
    {
      action: 'sqs:ReceiveMessage',
      family: 'queue',
      identity: { queue: QueueUrl },
      run: ({ sqs }, abortSignal) =>
        sqs.receiveMessage({ QueueUrl, WaitTimeSeconds: 0, VisibilityTimeout: 0 }, { abortSignal }),
    },
    signal,
  );
  return ok(check, `${QueueUrl} can be read`);
}

const CHECKS: readonly (readonly [name: string, look: (patient: AwsPatient) => Promise<Finding>])[] = [
  ['permissions', permissionsCheck],
  ['subnets', subnetsCheck],
  ['security groups', groupsCheck],
  ['image', imageCheck],
  ['interruptions', queueCheck],
];

/** What the cloud itself refuses is wrong, and says what mends it; what it does not answer is not known. */
async function told(check: string, look: () => Promise<Finding>): Promise<Finding> {
  return examined(check, async () => {
    try {
      return await look();
    } catch (error) {
      const isRefused = isNodelessError(error) && ['Unauthorized', 'NotFound', 'InvalidConfig'].includes(error.code);
      if (!isRefused) throw error;
      return failed(check, error.message, 'mend that, and look again');
    }
  });
}

/** Looks at all that cells in EC2 need, whatever of it fails. Nothing is made or changed. */
export async function examineAws(patient: AwsPatient): Promise<readonly Finding[]> {
  return Promise.all(CHECKS.map(([name, look]) => told(name, () => look(patient))));
}
