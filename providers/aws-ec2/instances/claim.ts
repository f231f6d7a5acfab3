import { NodelessError } from '../../../src/core/errors.ts';
import type { Claimant } from '../../contract.ts';
import type { AwsClient } from '../api/aws-client.ts';
import type { Inventory } from './inventory.ts';
import type { Ec2Machine } from './machine.ts';
import { cellTagsOf, podTags, tagList } from './tags.ts';

export interface ClaimOptions {
  readonly client: AwsClient;
  readonly inventory: Inventory;
}

/** Writes on a machine that waits in a pool which pod has it. EC2 can't compare and set, so only who leads may ask, and once at a time. */
export async function claimMachine(
  { client, inventory }: ClaimOptions,
  one: Ec2Machine,
  by: Claimant,
  signal: AbortSignal,
): Promise<Ec2Machine> {
  const { instanceId, machine } = one;
  const { cellId, pool, podUid } = machine.tags;
  if (podUid === by.podUid) return one;
  const identity = { instance: instanceId, cell: cellId };
  if (pool === undefined || podUid !== '') {
    const message = `cell ${cellId} is another pod's than ${by.pod}`;
    throw new NodelessError({ code: 'Denied', message, identity });
  }
  const own = podTags(by);
  await client.call(
    {
      action: 'ec2:CreateTags',
      family: 'tag',
      identity,
      run: ({ ec2 }, abortSignal) => ec2.createTags({ Resources: [instanceId], Tags: tagList(own) }, { abortSignal }),
    },
    signal,
  );
  const tags = { ...one.tags, ...own };
  const claimed = { ...one, tags, machine: { ...machine, tags: cellTagsOf(tags, instanceId) } };
  inventory.assigned(claimed, { isTagged: true });
  return claimed;
}
