import type { Logger } from 'pino';
import type { Clock } from '../../../src/core/clock.ts';
import type { Attestation, BootstrapEvidence } from '../../contract.ts';
import type { AwsClient } from '../api/aws-client.ts';
import { keptOf } from '../instances/doubles.ts';
import type { Inventory } from '../instances/inventory.ts';
import type { Owner } from '../options.ts';
import type { AwsEc2Settings } from '../settings.ts';
import { askCaller } from './caller.ts';
import { Keys } from './keys.ts';
import { bindingOf } from './proof.ts';
import { sessionOf, signerRefusal } from './signer.ts';
import { readToken } from './token.ts';

export interface AttestorOptions {
  readonly settings: Pick<AwsEc2Settings, 'region' | 'endpoint' | 'instanceRoles'>;
  readonly owner: Owner;
  readonly client: AwsClient;
  readonly inventory: Inventory;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Resolves once the tags of the cell's machine say that it is the cell. */
  readonly untilTagged: (cellId: string, signal: AbortSignal) => Promise<void>;
}

const FINGERPRINT = /^[0-9a-f]{64}$/;
const UNKNOWN: Attestation = { outcome: 'unknown' };

/** Settles which cell a machine is that shows a presigned GetCallerIdentity of its role, for one key. */
export class Attestor {
  readonly #options: AttestorOptions;
  readonly #keys: Keys;

  constructor(options: AttestorOptions) {
    this.#options = options;
    this.#keys = new Keys(options);
  }

  /** As the provider contract has it. */
  async attest({ token, keyFingerprint, remoteAddress }: BootstrapEvidence, signal: AbortSignal): Promise<Attestation> {
    const { settings, owner, inventory, clock, logger, untilTagged } = this.#options;
    const refuse = (reason: string): Attestation => {
      logger.warn({ reason, remoteAddress }, 'a proof of identity is refused');
      return UNKNOWN;
    };
    const read = readToken(token, { region: settings.region, nowMs: clock.now() });
    if ('refusal' in read || !FINGERPRINT.test(keyFingerprint)) {
      // Anybody can send these, as many as the cell API lets through.
      logger.debug({ reason: 'refusal' in read ? read.refusal : 'a key', remoteAddress }, 'no proof of identity');
      return UNKNOWN;
    }
    const caller = await askCaller(read, bindingOf(owner.clusterUid, keyFingerprint), { ...settings, signal });
    if ('refusal' in caller) return refuse(caller.refusal);
    const session = sessionOf(caller.arn);
    if (session === undefined) return refuse(`it is of ${caller.arn}, which is no machine`);
    const found = await inventory.ofId(session.instanceId, signal);
    const refusal = signerRefusal(session, found, { owner, instanceRoles: settings.instanceRoles });
    if (refusal !== undefined || found === undefined) return refuse(refusal ?? 'its machine is gone');
    const { cellId } = found.machine.tags;
    const kept = keptOf(await inventory.ofCell(cellId, signal));
    if (kept !== undefined && kept.instanceId !== found.instanceId) {
      return refuse(`it is of a machine that doubles ${kept.instanceId}`);
    }
    const isFirst = await this.#keys.admit(session.instanceId, keyFingerprint, signal);
    if (!isFirst) return { outcome: 'reused', cellId };
    // From here on no other cell can have the machine, whatever becomes of this process.
    await untilTagged(cellId, signal);
    const { describedCell = cellId } = (await inventory.ofId(session.instanceId, signal)) ?? {};
    if (describedCell !== cellId) return refuse(`its machine is ${describedCell} by the word of another process`);
    return { outcome: 'accepted', cellId };
  }
}
