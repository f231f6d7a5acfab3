import type { InstanceStatus } from '@aws-sdk/client-ec2';
import type { AwsClient } from '../api/aws-client.ts';
import { allPages } from '../api/pages.ts';
import type { Warning } from './message.ts';

const STATUSES_PER_PAGE = 1_000;
/** All that AWS schedules for machines. Source: DescribeInstanceStatus of the EC2 API reference. */
const CODES = ['instance-reboot', 'system-reboot', 'system-maintenance', 'instance-retirement', 'instance-stop'];

/** What is scheduled for a machine first; what is over is told of as such for a while. */
export function scheduledFor({ InstanceId: id, Events = [] }: InstanceStatus): Warning | undefined {
  const [first] = Events.filter(
    ({ Description = '', NotBefore }) => NotBefore !== undefined && !isOver(Description),
  ).sort((a, b) => (a.NotBefore?.getTime() ?? 0) - (b.NotBefore?.getTime() ?? 0));
  if (id === undefined || first?.NotBefore === undefined) return undefined;
  const reason = `AWS has scheduled ${first.Code ?? 'an event'} for it: ${first.Description ?? ''}`;
  return { instanceIds: [id], kind: 'ends', endsAtMs: first.NotBefore.getTime(), reason };
}

function isOver(description: string): boolean {
  return /^\[(Completed|Canceled)\]/.test(description);
}

/** What is scheduled for the machines of the account. @throws NodelessError of the provider contract */
export async function readScheduled(client: AwsClient, signal: AbortSignal): Promise<readonly Warning[]> {
  const statuses = await allPages(async (NextToken) => {
    const answer = await client.call(
      {
        action: 'ec2:DescribeInstanceStatus',
        family: 'describe',
        run: ({ ec2 }, abortSignal) =>
          ec2.describeInstanceStatus(
            { Filters: [{ Name: 'event.code', Values: CODES }], MaxResults: STATUSES_PER_PAGE, NextToken },
            { abortSignal },
          ),
      },
      signal,
    );
    return { items: answer.InstanceStatuses ?? [], next: answer.NextToken };
  });
  return statuses.flatMap((status) => scheduledFor(status) ?? []);
}
