import { setTimeout as delay } from 'node:timers/promises';
import type { AwsBed } from '../bed.ts';
import { openSet, textOf } from '../xml-set.ts';

/** A machine as the emulator has it. */
export interface BedInstance {
  readonly instanceId: string;
  readonly state: string;
  readonly address: string;
  readonly zone: string;
  readonly subnetId: string;
}

const ATTEMPTS = 6;
const PAUSE_MS = 300;

/** Asks the emulator, and asks again where it fails, as it does at times while something else changes. */
async function ask(bed: AwsBed, params: Readonly<Record<string, string>>): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await bed.ask(params);
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      await delay(PAUSE_MS * attempt);
    }
  }
}

/** All machines of the bed, ended ones included. */
export async function instancesIn(bed: AwsBed): Promise<readonly BedInstance[]> {
  const found: BedInstance[] = [];
  let token: string | undefined;
  do {
    const xml = await ask(bed, { Action: 'DescribeInstances', ...(token === undefined ? {} : { NextToken: token }) });
    token = textOf(xml, 'nextToken');
    for (const reservation of openSet(xml, 'reservationSet').items) {
      for (const item of openSet(reservation, 'instancesSet').items) {
        found.push({
          instanceId: textOf(item, 'instanceId') ?? '',
          state: textOf(item.slice(item.indexOf('<instanceState>')), 'name') ?? '',
          address: textOf(item, 'privateIpAddress') ?? '',
          zone: textOf(item, 'availabilityZone') ?? '',
          subnetId: textOf(item, 'subnetId') ?? '',
        });
      }
    }
  } while (token !== undefined && token !== '');
  return found;
}

/** The user data that a machine was given. */
export async function userDataOf(bed: AwsBed, instanceId: string): Promise<Uint8Array> {
  const xml = await ask(bed, { Action: 'DescribeInstanceAttribute', InstanceId: instanceId, Attribute: 'userData' });
  return Buffer.from(textOf(xml.slice(xml.indexOf('<userData>')), 'value') ?? '', 'base64');
}

/** Ranges of the bed's subnets. */
export async function subnetRanges(bed: AwsBed): Promise<ReadonlyMap<string, string>> {
  const { items } = openSet(await ask(bed, { Action: 'DescribeSubnets' }), 'subnetSet');
  return new Map(items.map((item) => [textOf(item, 'subnetId') ?? '', textOf(item, 'cidrBlock') ?? '']));
}

/** The n-th address from the end of a range, which the emulator gives to machines from its beginning. */
export function addressFromEnd(cidr: string, index: number): string {
  const [base = '', prefix = ''] = cidr.split('/');
  const first = base.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const address = first + 2 ** (32 - Number(prefix)) - 2 - index;
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}
