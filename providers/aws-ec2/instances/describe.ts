import type { DescribeInstancesCommandInput, Instance } from '@aws-sdk/client-ec2';
import type { AwsClient } from '../api/aws-client.ts';
import { allPages } from '../api/pages.ts';
import type { Owner } from '../options.ts';
import { TAG } from './tags.ts';

const MACHINES_PER_PAGE = 1_000;

async function describe(
  client: AwsClient,
  input: DescribeInstancesCommandInput,
  signal: AbortSignal,
): Promise<readonly Instance[]> {
  return allPages(async (NextToken) => {
    const answer = await client.call(
      {
        action: 'ec2:DescribeInstances',
        family: 'describe',
        run: ({ ec2 }, abortSignal) => ec2.describeInstances({ ...input, NextToken }, { abortSignal }),
      },
      signal,
    );
    return { items: (answer.Reservations ?? []).flatMap(({ Instances = [] }) => Instances), next: answer.NextToken };
  });
}

function filters(tags: Readonly<Record<string, readonly string[]>>) {
  return Object.entries(tags).map(([key, Values]) => ({ Name: `tag:${key}`, Values: [...Values] }));
}

/** Machines of an owner whose tags have one of the values each. In values `*` and `?` would match anything. */
export async function describeByTags(
  client: AwsClient,
  owner: Owner,
  tags: Readonly<Record<string, readonly string[]>>,
  signal: AbortSignal,
): Promise<readonly Instance[]> {
  const own = { [TAG.cluster]: [owner.clusterUid], [TAG.virtualNode]: owner.virtualNodes };
  const Filters = filters({ ...own, ...tags });
  return describe(client, { Filters, MaxResults: MACHINES_PER_PAGE }, signal);
}

/**
 * Machines by their ids. By a filter: it passes over ids that EC2 does not know (yet), where naming them as such is
 * refused as a whole.
 */
export async function describeByIds(
  client: AwsClient,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<readonly Instance[]> {
  return describe(
    client,
    { Filters: [{ Name: 'instance-id', Values: [...ids] }], MaxResults: MACHINES_PER_PAGE },
    signal,
  );
}
