import type { EC2 } from '@aws-sdk/client-ec2';
import type { Pricing } from '@aws-sdk/client-pricing';
import type { SQS } from '@aws-sdk/client-sqs';
import type { SSM } from '@aws-sdk/client-ssm';
import type { Clock } from '../../../src/core/clock.ts';
import { pricingRegionOf } from '../catalogue/price-list.ts';
import type { AwsEc2Settings } from '../settings.ts';
import { ApiQueue, type QueueLimits } from './api-queue.ts';

/**
 * Families of calls by the size of the bucket that AWS counts each action of them to, a little below its defaults for an
 * account and region, which others use as well. Source: "Request throttling for the Amazon EC2 API" of the EC2 Developer Guide.
 */
const FAMILIES = {
  describe: { perSecond: 10, burst: 40, concurrency: 8 },
  mutate: { perSecond: 4, burst: 20, concurrency: 8 },
  tag: { perSecond: 8, burst: 40, concurrency: 8 },
  terminate: { perSecond: 4, burst: 20, concurrency: 4 },
  price: { perSecond: 5, burst: 10, concurrency: 4 },
  // A long poll takes its place for seconds, and one that is cut off too.
  queue: { perSecond: 20, burst: 40, concurrency: 24 },
  parameter: { perSecond: 5, burst: 10, concurrency: 4 },
} as const satisfies Record<string, QueueLimits>;

type Family = keyof typeof FAMILIES;

interface Call<T> {
  /** As IAM policies name it. */
  readonly action: `${'ec2' | 'pricing' | 'sqs' | 'ssm'}:${string}`;
  readonly family: Family;
  readonly repeatable?: boolean;
  readonly identity?: Readonly<Record<string, string | number>>;
  readonly run: (clients: Clients, signal: AbortSignal) => Promise<T>;
}

interface Clients {
  readonly ec2: EC2;
  readonly pricing: Pricing;
  readonly sqs: SQS;
  readonly ssm: SSM;
}

/** The SDK's clients behind queues; made when first used, since loading them takes longer than most commands. */
export interface AwsClient {
  /** @throws NodelessError of the provider contract */
  call<T>(call: Call<T>, signal: AbortSignal): Promise<T>;
  close(): void;
}

export interface AwsClientOptions {
  readonly settings: Pick<AwsEc2Settings, 'region' | 'endpoint'>;
  readonly clock: Clock;
}

async function createClients({ settings }: AwsClientOptions): Promise<Clients> {
  const [{ EC2: Ec2Client }, { Pricing: PricingClient }, { SQS: SqsClient }, { SSM: SsmClient }] = await Promise.all([
    import('@aws-sdk/client-ec2'),
    import('@aws-sdk/client-pricing'),
    import('@aws-sdk/client-sqs'),
    import('@aws-sdk/client-ssm'),
  ]);
  // Asking again is the queues' own, which know the rates.
  const shared = { maxAttempts: 1, ...(settings.endpoint === undefined ? {} : { endpoint: settings.endpoint }) };
  return {
    ec2: new Ec2Client({ ...shared, region: settings.region }),
    pricing: new PricingClient({ ...shared, region: pricingRegionOf(settings.region) }),
    // The queue's URL says where it is; where all is asked of one endpoint, that says so.
    sqs: new SqsClient({ ...shared, region: settings.region, useQueueUrlAsEndpoint: settings.endpoint === undefined }),
    ssm: new SsmClient({ ...shared, region: settings.region }),
  };
}

export function createAwsClient(options: AwsClientOptions): AwsClient {
  const queues = new Map<string, ApiQueue>();
  let clients: Promise<Clients> | undefined;

  function queueOf(action: string, family: Family): ApiQueue {
    const queue = queues.get(action) ?? new ApiQueue(FAMILIES[family], options.clock);
    queues.set(action, queue);
    return queue;
  }

  return {
    async call({ action, family, repeatable = true, identity, run }, signal) {
      clients ??= createClients(options);
      const made = await clients;
      const asked = { action, repeatable, ...(identity === undefined ? {} : { identity }) };
      return queueOf(action, family).call({ ...asked, run: (bounded) => run(made, bounded) }, signal);
    },
    close() {
      void clients?.then((made) => {
        for (const client of Object.values<{ destroy(): void }>({ ...made })) client.destroy();
      });
    },
  };
}
