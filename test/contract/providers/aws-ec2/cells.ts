import { createAwsEc2Provider } from '../../../../providers/aws-ec2/provider.ts';
import type { BootstrapEvidence, LaunchRequest } from '../../../../providers/contract.ts';
import { awsEc2Settings } from '../../../../src/config/aws-ec2.ts';
import { parseConfig } from '../../../../src/config/load.ts';
import { type Clock, systemClock } from '../../../../src/core/clock.ts';
import type { Offering } from '../../../../src/core/offerings.ts';
import { createLogger } from '../../../../src/telemetry/logger.ts';
import { type AwsBed, BED_REGION } from '../../../support/aws/bed.ts';
import { proofOf } from '../../../support/aws/presign.ts';
import { openSet, textOf } from '../../../support/aws/xml-set.ts';
import { cellClass } from '../../../support/cell-class.ts';

const HOME = { clusterUid: 'cluster', virtualNode: 'vnode' };
/** Of the machines, and the name of its role. */
export const PROFILE = 'cells';
export const OWNER = { clusterUid: HOME.clusterUid, virtualNodes: [HOME.virtualNode] };

/** A provider over the bed; not started. */
export function providerOver(bed: AwsBed, given: object = {}, clock: Clock = systemClock) {
  const subnets = [...bed.subnets.values()];
  const awsEc2 = { region: BED_REGION, endpoint: bed.url, subnets, instanceProfile: PROFILE, ...given };
  const settings = awsEc2Settings(parseConfig({ virtualNode: { address: '10.0.0.1' }, awsEc2 }, 'test'));
  const parts = {
    owner: OWNER,
    kubeletVersion: 'v1.34.4',
    clock,
    random: Math.random,
    logger: createLogger('error'),
  };
  return createAwsEc2Provider({ ...parts, settings });
}

const GiB = 2 ** 30;
const SIZE = { cpuMilli: 1_930, memoryBytes: 3 * GiB, ephemeralStorageBytes: 15 * GiB, extended: {} };

/** One way to buy a machine in the bed. */
export function offering(more: Partial<Offering> = {}): Offering {
  return {
    instanceType: 'm7i.large',
    launchType: 'ec2-on-demand',
    zone: 'us-east-1a',
    arch: 'amd64',
    capacity: SIZE,
    allocatable: SIZE,
    pricePerHourUsd: 0.103,
    available: true,
    ...more,
  };
}

/** A request for a cell of that id. */
export function launchOf(cellId: string, more: Partial<LaunchRequest> = {}): LaunchRequest {
  return {
    offering: offering(),
    cellClass: cellClass(),
    tags: { ...HOME, cellId, pod: `default/${cellId}`, podUid: `uid-${cellId}` },
    bootstrap: {
      cellApiUrl: 'https://10.0.0.1:8443',
      caPem: 'the authority',
      nodeName: 'vnode',
      clusterDns: '10.96.0.10',
      clusterDomain: 'cluster.local',
    },
    ...more,
  };
}

/** A machine as the emulator has it, past every fault. */
export interface BedMachine {
  readonly id: string;
  readonly state: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** All machines of the bed that have not ended. */
export async function machinesIn(bed: AwsBed): Promise<readonly BedMachine[]> {
  const found: BedMachine[] = [];
  let token: string | undefined;
  do {
    const xml = await bed.ask({ Action: 'DescribeInstances', ...(token === undefined ? {} : { NextToken: token }) });
    token = textOf(xml, 'nextToken');
    for (const reservation of openSet(xml, 'reservationSet').items) {
      for (const item of openSet(reservation, 'instancesSet').items) {
        const tags = openSet(item, 'tagSet').items.map((tag) => [textOf(tag, 'key') ?? '', textOf(tag, 'value') ?? '']);
        const state = textOf(item.slice(item.indexOf('<instanceState>')), 'name') ?? '';
        found.push({ id: textOf(item, 'instanceId') ?? '', state, tags: Object.fromEntries(tags) });
      }
    }
  } while (token !== undefined && token !== '');
  return found.filter(({ state }) => state !== 'terminated');
}

/** A key's fingerprint, as far as anybody looks at it. */
export const KEY = 'a'.repeat(64);

/** What a machine shows for a key; in another's name or for another cluster, where that is given. */
export async function evidenceOf(
  bed: AwsBed,
  instanceId: string,
  given: {
    readonly keyFingerprint?: string;
    readonly clusterUid?: string;
    readonly role?: string;
    readonly account?: string;
  } = {},
): Promise<BootstrapEvidence> {
  const { keyFingerprint = KEY, clusterUid = OWNER.clusterUid, role = PROFILE, account } = given;
  const credentials = bed.roles.credentials(role, instanceId, account);
  const token = await proofOf({ credentials, region: BED_REGION, clusterUid, keyFingerprint, atMs: Date.now() });
  return { token, keyFingerprint, remoteAddress: '172.31.0.4' };
}
