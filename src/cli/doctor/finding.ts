import { isNodelessError, messageOf } from '../../core/errors.ts';
import type { Looking } from '../../install/leaders.ts';

/** `unknown`: it could not be looked at, for the reason in the detail. */
export type Outcome = 'ok' | 'warning' | 'failed' | 'unknown';

/** What one check has found, and what mends it. */
export interface Finding {
  readonly check: string;
  readonly outcome: Outcome;
  readonly detail: string;
  readonly fix?: string;
}

/** What checks look at. */
export interface Patient extends Looking {
  readonly virtualNode: string;
  /** Names of its Nodes. */
  readonly nodes: readonly string[];
}

export function ok(check: string, detail: string): Finding {
  return { check, outcome: 'ok', detail };
}

export function failed(check: string, detail: string, fix: string): Finding {
  return { check, outcome: 'failed', detail, fix };
}

export function warning(check: string, detail: string, fix: string): Finding {
  return { check, outcome: 'warning', detail, fix };
}

export function unknown(check: string, detail: string): Finding {
  return { check, outcome: 'unknown', detail };
}

/** A check that can not be made is a finding too, and stops no other. */
export async function examined(check: string, look: () => Promise<Finding>): Promise<Finding> {
  try {
    return await look();
  } catch (error) {
    const isRefused = isNodelessError(error) && error.identity.status === 403;
    const fix = isRefused ? ' (use the kubeconfig of an administrator)' : '';
    return unknown(check, `${messageOf(error)}${fix}`);
  }
}
