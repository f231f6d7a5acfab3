import type { Ec2Machine } from '../instances/machine.ts';
import { TAG } from '../instances/tags.ts';
import type { Owner } from '../options.ts';

/** A machine's role, as its session is named: by the machine. */
export interface MachineSession {
  readonly partition: string;
  readonly account: string;
  readonly role: string;
  readonly instanceId: string;
}

const SESSION = /^arn:(aws[a-z-]*):sts::(\d{12}):assumed-role\/([\w+=,.@-]{1,64})\/(i-[0-9a-f]{8,17})$/;
const PROFILE = /^arn:(aws[a-z-]*):iam::(\d{12}):instance-profile\/(?:[\x21-\x7e]*\/)?([\w+=,.@-]{1,128})$/;

/** Reads who STS says that signed; undefined for whoever is no machine by its role. */
export function sessionOf(arn: string): MachineSession | undefined {
  const [, partition, account, role, instanceId] = SESSION.exec(arn) ?? [];
  if (partition === undefined || account === undefined || role === undefined || instanceId === undefined) {
    return undefined;
  }
  return { partition, account, role, instanceId };
}

export interface SignerTerms {
  readonly owner: Owner;
  /** Name of the role in an instance profile, by the profile's name, where the two differ. */
  readonly instanceRoles: Readonly<Record<string, string>>;
}

/**
 * Why a session is not that of a cell's machine; undefined where it is. Whoever may assume some role may name the session
 * after a machine, so it has to be the machine's own role, of its account: that of its instance profile.
 */
export function signerRefusal(
  session: MachineSession,
  found: Ec2Machine | undefined,
  { owner, instanceRoles }: SignerTerms,
): string | undefined {
  if (found === undefined) return 'it is of a machine that EC2 does not tell us of';
  const { tags, machine, profileArn } = found;
  const isOurs = tags[TAG.cluster] === owner.clusterUid && owner.virtualNodes.includes(tags[TAG.virtualNode] ?? '');
  if (!isOurs || tags[TAG.launch] === undefined) return 'it is of a machine that we did not launch';
  const [, partition, account, profile = ''] = PROFILE.exec(profileArn ?? '') ?? [];
  const role = Object.hasOwn(instanceRoles, profile) ? instanceRoles[profile] : profile;
  if (partition !== session.partition || account !== session.account || role !== session.role) {
    return `it is of the role ${session.role} of account ${session.account}, which is not that of the machine’s instance profile (awsEc2.instanceRoles says where their names differ)`;
  }
  if (machine.state !== 'launching' && machine.state !== 'running') return 'it is of a machine that ends';
  if (machine.tags.cellId === found.instanceId) return 'it is of a machine that is no cell yet';
  return undefined;
}
