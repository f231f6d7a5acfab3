import { NodelessError } from '../core/errors.ts';

/** Something on this machine keeps a local cluster from working; the message says what and what mends it. */
export function localFailure(message: string, cause?: unknown): NodelessError {
  return new NodelessError({ code: 'PrerequisiteMissing', message, cause });
}
