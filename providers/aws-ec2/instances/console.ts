import { isNodelessError } from '../../../src/core/errors.ts';
import type { AwsClient } from '../api/aws-client.ts';

/** What a machine has written to its console; empty while EC2 has nothing. */
export async function readConsole(client: AwsClient, instanceId: string, signal: AbortSignal): Promise<string> {
  const read = async (latest: boolean) => {
    const answer = await client.call(
      {
        action: 'ec2:GetConsoleOutput',
        family: 'describe',
        identity: { instance: instanceId },
        run: ({ ec2 }, abortSignal) =>
          ec2.getConsoleOutput({ InstanceId: instanceId, ...(latest ? { Latest: true } : {}) }, { abortSignal }),
      },
      signal,
    );
    return Buffer.from(answer.Output ?? '', 'base64').toString('utf8');
  };
  try {
    return await read(true);
  } catch (error) {
    // Of older hypervisors there is only what EC2 took after the boot.
    if (!isNodelessError(error) || error.identity.awsCode !== 'UnsupportedOperation') throw error;
    return read(false);
  }
}
