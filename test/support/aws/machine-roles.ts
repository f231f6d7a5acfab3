import { createHash } from 'node:crypto';

/** The account that everything in the bed is of: the emulator's. */
export const BED_ACCOUNT = '123456789012';

/** What a machine's role gives it to sign with. */
export interface RoleCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  /** Whose they are, as STS tells it. */
  readonly arn: string;
}

function derived(...parts: readonly string[]): Buffer {
  return createHash('sha512').update(parts.join('\n')).digest();
}

/** Credentials as AWS gives them to a session of a role; those of a machine's role are of a session of its id. */
export class MachineRoles {
  readonly #known = new Map<string, RoleCredentials>();

  /** The same for the same session of the same role. */
  credentials(role: string, session: string, account = BED_ACCOUNT): RoleCredentials {
    const parts = [account, role, session];
    const made: RoleCredentials = {
      accessKeyId: `ASIA${derived('id', ...parts)
        .toString('hex')
        .slice(0, 16)
        .toUpperCase()}`,
      secretAccessKey: derived('secret', ...parts)
        .toString('base64')
        .slice(0, 40),
      // As long as those of EC2, with all that a URL has to escape.
      sessionToken: `+/${Array.from({ length: 12 }, (_, index) => derived(`token ${index}`, ...parts).toString('base64')).join('')}`,
      arn: `arn:aws:sts::${account}:assumed-role/${role}/${session}`,
    };
    this.#known.set(made.accessKeyId, made);
    return made;
  }

  /** Whose an access key is. */
  find(accessKeyId: string): RoleCredentials | undefined {
    return this.#known.get(accessKeyId);
  }
}
