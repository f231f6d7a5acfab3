import type { EndCause } from '../../../src/core/cell.ts';

interface Meaning {
  readonly prefix: string;
  /** In words, with the remedy. */
  readonly meaning: string;
  readonly cause?: EndCause;
}

const REFUSED: EndCause = { code: 'InvalidConfig' };
const LACKING: EndCause = { code: 'InsufficientCapacity' };

/** Why machines ended by themselves, by what EC2's code begins with. */
const MEANINGS: readonly Meaning[] = [
  {
    prefix: 'Client.InvalidKMSKey',
    meaning: 'the key of its root volume can not be used; let the EC2 service use the KMS key',
    cause: REFUSED,
  },
  {
    prefix: 'Client.VolumeLimitExceeded',
    meaning: 'the quota of volumes is used up; ask for a higher one in Service Quotas',
    cause: { ...LACKING, scope: 'account' },
  },
  {
    prefix: 'Client.InternalError',
    meaning: 'its root volume could not be attached; let the EC2 service use the KMS key of the volume',
    cause: REFUSED,
  },
  {
    prefix: 'Client.InvalidSnapshot.NotFound',
    meaning: 'the snapshot of its image is gone; name another image',
    cause: REFUSED,
  },
  { prefix: 'Client.InstanceInitiatedShutdown', meaning: 'it shut itself down' },
  { prefix: 'Client.UserInitiatedHibernate', meaning: 'somebody hibernated it' },
  { prefix: 'Client.UserInitiatedShutdown', meaning: 'somebody ended it' },
  {
    prefix: 'Server.InsufficientInstanceCapacity',
    meaning: 'EC2 had no capacity for it after all',
    cause: LACKING,
  },
  { prefix: 'Server.InternalError', meaning: 'EC2 failed to start it', cause: LACKING },
  { prefix: 'Server.ScheduledStop', meaning: 'its host was retired' },
  { prefix: 'Server.SpotInstanceShutdown', meaning: 'EC2 took the spot machine back', cause: LACKING },
  { prefix: 'Server.SpotInstanceTermination', meaning: 'EC2 took the spot machine back', cause: LACKING },
];

/** Why a machine ended, in words and in EC2's; and what that says of others like it, if it says anything. */
export function endOf(code?: string, message?: string): { readonly reason: string; readonly endCause?: EndCause } {
  const known = MEANINGS.find(({ prefix }) => code?.startsWith(prefix));
  const said = [code, message].filter((part) => part !== undefined && part !== '').join(': ');
  if (known === undefined) {
    return { reason: said === '' ? 'EC2 ended it, and does not say why' : `EC2 ended it (${said})` };
  }
  const { meaning, cause } = known;
  return { reason: `${meaning} (${said})`, ...(cause === undefined ? {} : { endCause: cause }) };
}
