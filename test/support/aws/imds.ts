import { createHmac, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a machine can learn of itself: texts by their paths below `/latest`. */
export type ImdsFacts = Readonly<Record<string, string>>;

export interface ImdsMachine {
  readonly instanceId: string;
  readonly address: string;
  readonly podAddresses: readonly string[];
  readonly subnetCidr: string;
  readonly region: string;
  readonly zone: string;
  readonly role: string;
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken: string;
  };
}

const MAC = '02:00:00:00:00:01';
const LIFE_SECONDS = 6 * 3_600;

/** What a machine's metadata service tells, as EC2's does. */
export function imdsFacts(machine: ImdsMachine): ImdsFacts {
  const { instanceId, address, podAddresses, subnetCidr, region, zone, role, credentials } = machine;
  const nic = `meta-data/network/interfaces/macs/${MAC}`;
  const given = {
    Code: 'Success',
    LastUpdated: new Date().toISOString(),
    Type: 'AWS-HMAC',
    AccessKeyId: credentials.accessKeyId,
    SecretAccessKey: credentials.secretAccessKey,
    Token: credentials.sessionToken,
    Expiration: new Date(Date.now() + LIFE_SECONDS * 1_000).toISOString(),
  };
  return {
    'meta-data/instance-id': instanceId,
    'meta-data/local-ipv4': address,
    'meta-data/mac': MAC,
    'meta-data/placement/region': region,
    'meta-data/placement/availability-zone': zone,
    [`${nic}/local-ipv4s`]: [address, ...podAddresses].join('\n'),
    [`${nic}/subnet-ipv4-cidr-block`]: subnetCidr,
    'meta-data/iam/security-credentials/': role,
    // With EC2's own blanks.
    [`meta-data/iam/security-credentials/${role}`]: JSON.stringify(given, null, 2).replaceAll('": "', '" : "'),
    'dynamic/instance-identity/document': JSON.stringify({ instanceId, region, availabilityZone: zone }),
  };
}

/** Who asks is known by its address; nobody else is answered. */
export type FactsOf = (remoteAddress: string) => Promise<ImdsFacts | undefined>;

const KEY = randomBytes(32);

function sessionOf(remoteAddress: string): string {
  return createHmac('sha256', KEY).update(remoteAddress).digest('base64url');
}

async function answer(request: IncomingMessage, response: ServerResponse, factsOf: FactsOf): Promise<void> {
  const remoteAddress = request.socket.remoteAddress ?? '';
  const facts = await factsOf(remoteAddress);
  // A pod is one hop further than the answer goes.
  if (facts === undefined) return void request.socket.destroy();
  const [, path = ''] = /^\/latest\/(.*)$/.exec(request.url ?? '') ?? [];
  const end = (status: number, text: string) => void response.writeHead(status, { server: 'EC2ws' }).end(text);
  if (request.method === 'PUT' && path === 'api/token') {
    const seconds = Number(request.headers['x-aws-ec2-metadata-token-ttl-seconds']);
    return seconds >= 1 && seconds <= 21_600 ? end(200, sessionOf(remoteAddress)) : end(400, 'Bad Request');
  }
  if (request.headers['x-aws-ec2-metadata-token'] !== sessionOf(remoteAddress)) return end(401, 'Unauthorized');
  const fact = facts[path];
  return fact === undefined ? end(404, 'Not Found') : end(200, fact);
}

/** Serves machines' metadata, version 2 and nothing else: no answer without a session. */
export async function serveImds(
  factsOf: FactsOf,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<{ readonly server: Server; readonly url: string }> {
  const server = createServer((request, response) => {
    answer(request, response, factsOf).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return { server, url: `http://${host}:${(server.address() as AddressInfo).port}` };
}
