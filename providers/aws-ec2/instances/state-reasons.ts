/** Why machines ended by themselves, by EC2's code, in words and with the remedy; a code may go on after these. */
const MEANINGS: readonly (readonly [prefix: string, meaning: string])[] = [
  ['Client.InvalidKMSKey', 'the key of its root volume can not be used; let the EC2 service use the KMS key'],
  ['Client.VolumeLimitExceeded', 'the quota of volumes is used up; ask for a higher one in Service Quotas'],
  ['Client.InternalError', 'its root volume could not be attached; let the EC2 service use the KMS key of the volume'],
  ['Client.InvalidSnapshot.NotFound', 'the snapshot of its image is gone; name another image'],
  ['Client.InstanceInitiatedShutdown', 'it shut itself down'],
  ['Client.UserInitiatedHibernate', 'somebody hibernated it'],
  ['Client.UserInitiatedShutdown', 'somebody ended it'],
  ['Server.InsufficientInstanceCapacity', 'EC2 had no capacity for it after all'],
  ['Server.InternalError', 'EC2 failed to start it'],
  ['Server.ScheduledStop', 'its host was retired'],
  ['Server.SpotInstanceShutdown', 'EC2 took the spot machine back'],
  ['Server.SpotInstanceTermination', 'EC2 took the spot machine back'],
];

/** Why a machine ended, in words and in EC2's. */
export function endReason(code: string | undefined, message: string | undefined): string {
  const meaning = MEANINGS.find(([prefix]) => code?.startsWith(prefix))?.[1];
  const said = [code, message].filter((part) => part !== undefined && part !== '').join(': ');
  if (meaning === undefined) return said === '' ? 'EC2 ended it, and does not say why' : `EC2 ended it (${said})`;
  return `${meaning} (${said})`;
}
