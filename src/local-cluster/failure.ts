import { NodelessError } from '../core/errors.ts';

/** Something on this machine keeps a local cluster from working; the message says what and what mends it. */
export function localFailure(message: string, cause?: unknown): NodelessError {
  return new NodelessError({ code: 'PrerequisiteMissing', message, cause });
}

/** The failure of a cluster that is to come up while one of its name is there; that one is none of the caller's. */
export function nameTaken(name: string, stateDir: string): NodelessError {
  return new NodelessError({
    code: 'PrerequisiteMissing',
    message: `a local cluster named ${name} is there already (${stateDir}): take it down first, or use another name`,
    identity: { taken: name },
  });
}

/** True for a `nameTaken`. */
export function isNameTaken(error: unknown): boolean {
  return error instanceof NodelessError && error.identity.taken !== undefined;
}

/** The failure of a cluster that is to be replaced while the process that brought it up still uses it. */
export function heldBy(name: string, pid: number): NodelessError {
  return new NodelessError({
    code: 'PrerequisiteMissing',
    message: `local cluster ${name} is in use by process ${pid}, which brought it up: wait until that has ended`,
    identity: { taken: name },
  });
}
