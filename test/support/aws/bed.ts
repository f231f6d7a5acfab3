import { allowedActions } from './iam-policy.ts';
import { startMoto } from './moto.ts';
import { type AwsProxy, startAwsProxy } from './proxy.ts';
import { openSet, textOf } from './xml-set.ts';

export const BED_REGION = 'us-east-1';

/** An AWS of our own on loopback: an emulator, and the proxy before it that every client is given. */
export interface AwsBed extends AwsProxy {
  /** A subnet of each zone, by zone. */
  readonly subnets: ReadonlyMap<string, string>;
  /** Asks the emulator itself: by nobody's credentials, past every fault, and counted nowhere. */
  ask(params: Readonly<Record<string, string>>): Promise<string>;
}

const ASK_TIMEOUT_MS = 30_000;

/** Starts the bed, on loopback unless told where. Its clients need any credentials in their environment. */
export async function startAwsBed(host?: string): Promise<AwsBed> {
  const moto = await startMoto();
  const subnets = new Map<string, string>();
  const zones = new Map<string, string>();

  async function ask(params: Readonly<Record<string, string>>): Promise<string> {
    const answer = await fetch(moto.url, {
      method: 'POST',
      headers: { authorization: `AWS4-HMAC-SHA256 Credential=bed/20260101/${BED_REGION}/ec2/aws4_request` },
      body: new URLSearchParams({ Version: '2016-11-15', ...params }),
      signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
    });
    if (!answer.ok) throw new Error(`the emulator answered ${params.Action} with ${await answer.text()}`);
    return answer.text();
  }

  try {
    for (const item of openSet(await ask({ Action: 'DescribeSubnets' }), 'subnetSet').items) {
      const [id = '', zone = ''] = [textOf(item, 'subnetId'), textOf(item, 'availabilityZone')];
      subnets.set(zone, id);
      zones.set(id, zone);
    }
    const zoneOf = (subnetId: string) => zones.get(subnetId) ?? '';
    const allowed = await allowedActions();
    const listening = host === undefined ? {} : { host };
    const proxy = await startAwsProxy({
      upstream: moto.url,
      keptAnswers: moto.cacheFolder,
      allowed,
      zoneOf,
      ...listening,
    });
    return {
      ...proxy,
      subnets,
      ask,
      async close() {
        await proxy.close();
        await moto.stop();
      },
    };
  } catch (error) {
    await moto.stop();
    throw error;
  }
}

/** Credentials that the SDK's default chain finds in the environment; the bed takes any. */
export function bedCredentials(): void {
  process.env.AWS_ACCESS_KEY_ID = 'bed';
  process.env.AWS_SECRET_ACCESS_KEY = 'bed';
  process.env.AWS_EC2_METADATA_DISABLED = 'true';
}
