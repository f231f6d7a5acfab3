import type { Subnet } from '@aws-sdk/client-ec2';
import type { CellClassSpec } from '../../../src/core/cell-class.ts';
import type { Clock } from '../../../src/core/clock.ts';
import { NodelessError } from '../../../src/core/errors.ts';
import { abortable } from '../abortable.ts';
import type { AwsClient } from '../api/aws-client.ts';
import { allPages } from '../api/pages.ts';
import type { AwsEc2Settings } from '../settings.ts';

/** What a class names in the cloud: by ids, by tags, or not at all. */
type Selections = CellClassSpec['subnets'];

export interface NetworkOptions {
  readonly client: AwsClient;
  readonly settings: AwsEc2Settings;
  readonly clock: Clock;
}

/** What is found by tags may change; what was found counts for so long. */
const KNOWN_MS = 300_000;
const READ_DEADLINE_MS = 30_000;

interface Found<T> {
  readonly atMs: number;
  /** Shared also while it is being read: launches come many at a time. */
  readonly items: Promise<readonly T[]>;
}

interface Filter {
  readonly Name: string;
  readonly Values: string[];
}

function byId(ids: readonly string[]): Selections {
  return ids.map((id) => ({ id }));
}

/** What is asked for, in as few requests as EC2's filters allow: all ids with one, tags with one each. */
function filtersOf(wanted: Selections, idFilter: string): readonly (readonly Filter[])[] {
  const ids = wanted.flatMap(({ id }) => id ?? []);
  const byTags = wanted.flatMap(({ tags }) => (tags === undefined ? [] : [tags]));
  return [
    ...(ids.length === 0 ? [] : [[{ Name: idFilter, Values: ids }]]),
    ...byTags.map((tags) => Object.entries(tags).map(([key, value]) => ({ Name: `tag:${key}`, Values: [value] }))),
  ];
}

function invalid(message: string, identity: NodelessError['identity'] = {}): NodelessError {
  return new NodelessError({ code: 'InvalidConfig', message, identity });
}

/** The subnets and security groups that cells are launched in. */
export class Network {
  readonly #options: NetworkOptions;
  readonly #subnets = new Map<string, Found<Subnet>>();
  readonly #groups = new Map<string, Found<string>>();

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  /** Ids of the subnets of a class in a zone. @throws NodelessError InvalidConfig where there is none */
  async subnetsIn(zone: string, { subnets }: CellClassSpec, signal: AbortSignal): Promise<readonly string[]> {
    const wanted = subnets.length > 0 ? subnets : byId(this.#options.settings.subnets);
    if (wanted.length === 0) {
      throw invalid('there are no subnets for cells; name some in awsEc2.subnets, or in spec.subnets of the CellClass');
    }
    const filters = filtersOf(wanted, 'subnet-id');
    const found = await this.#find(this.#subnets, filters, signal, (one, reading) => this.#readSubnets(one, reading));
    const ids = found.flatMap(({ SubnetId: id, AvailabilityZone }) =>
      id === undefined || AvailabilityZone !== zone ? [] : [id],
    );
    if (ids.length > 0) return ids.sort();
    throw invalid(`none of the subnets for cells is in ${zone}; add one that is, or take its zone from the pod`, {
      scope: 'zone',
      zone,
    });
  }

  /** Ids of the security groups of a class; none means the default group of the network. @throws NodelessError NotFound */
  async groupsOf({ securityGroups }: CellClassSpec, signal: AbortSignal): Promise<readonly string[]> {
    const wanted = securityGroups.length > 0 ? securityGroups : byId(this.#options.settings.securityGroups);
    const filters = filtersOf(
      wanted.filter(({ id }) => id === undefined),
      'group-id',
    );
    const found = await this.#find(this.#groups, filters, signal, (one, reading) => this.#readGroups(one, reading));
    return [...wanted.flatMap(({ id }) => id ?? []), ...found].sort();
  }

  async #find<T>(
    known: Map<string, Found<T>>,
    wanted: readonly (readonly Filter[])[],
    signal: AbortSignal,
    read: (filters: readonly Filter[], signal: AbortSignal) => Promise<readonly T[]>,
  ): Promise<readonly T[]> {
    const nowMs = this.#options.clock.now();
    for (const [key, { atMs }] of known) if (nowMs - atMs > KNOWN_MS) known.delete(key);
    const found = wanted.map((filters) => {
      const key = JSON.stringify(filters);
      const items = known.get(key)?.items ?? read(filters, AbortSignal.timeout(READ_DEADLINE_MS));
      if (!known.has(key)) known.set(key, { atMs: nowMs, items });
      items.catch(() => known.delete(key));
      return items;
    });
    return (await abortable(Promise.all(found), signal)).flat();
  }

  async #readSubnets(filters: readonly Filter[], signal: AbortSignal): Promise<readonly Subnet[]> {
    const Filters = [...filters];
    return allPages(async (NextToken) => {
      const answer = await this.#options.client.call(
        {
          action: 'ec2:DescribeSubnets',
          family: 'describe',
          run: ({ ec2 }, abortSignal) => ec2.describeSubnets({ Filters, NextToken }, { abortSignal }),
        },
        signal,
      );
      return { items: answer.Subnets ?? [], next: answer.NextToken };
    });
  }

  async #readGroups(filters: readonly Filter[], signal: AbortSignal): Promise<readonly string[]> {
    const Filters = [...filters];
    const groups = await allPages(async (NextToken) => {
      const answer = await this.#options.client.call(
        {
          action: 'ec2:DescribeSecurityGroups',
          family: 'describe',
          run: ({ ec2 }, abortSignal) => ec2.describeSecurityGroups({ Filters, NextToken }, { abortSignal }),
        },
        signal,
      );
      return { items: answer.SecurityGroups ?? [], next: answer.NextToken };
    });
    const ids = groups.flatMap(({ GroupId }) => GroupId ?? []);
    if (ids.length > 0) return ids;
    const wanted = filters.map(({ Name, Values }) => `${Name}=${Values.join(',')}`).join(' ');
    const message = `no security group has ${wanted}; correct spec.securityGroups of the CellClass`;
    throw new NodelessError({ code: 'NotFound', message });
  }
}
