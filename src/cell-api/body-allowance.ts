import { type AuthenticationOptions, authenticate, type Peer } from './http/authentication.ts';
import type { BodyAccount, BodyAllowance } from './http/request-body.ts';

/** What is known of a request before its body is read. */
export interface RequestHead {
  readonly method: string;
  readonly url: string;
  readonly authorization: string | undefined;
  readonly peer: Peer;
}

export interface AllowanceOptions {
  readonly authentication: AuthenticationOptions;
  /** Of all callers together that have no certificate. */
  readonly strangers: BodyAccount;
}

/** Larger than any object that fits into etcd. */
const BODY_LIMIT_BYTES = 2 * 1024 * 1024;
/** A kubelet's takes 2 KiB. */
const SIGNING_LIMIT_BYTES = 64 * 1024;
const STRANGER_DEADLINE_MS = 5_000;
const SIGNING_PATH = '/apis/certificates.k8s.io/v1/certificatesigningrequests';

/**
 * How much of a request's body is read, settled before any of it is. Undefined: nothing is, since what the caller is
 * told does not depend on it. Who has no certificate of ours has one thing to say, a signing request.
 */
export function bodyAllowance(options: AllowanceOptions, head: RequestHead): BodyAllowance | undefined {
  const { method, url, authorization, peer } = head;
  const signing = url.split('?')[0] === SIGNING_PATH;
  try {
    const caller = authenticate(options.authentication, peer, authorization);
    if (caller.kind === 'cell') {
      return { limitBytes: signing ? SIGNING_LIMIT_BYTES : BODY_LIMIT_BYTES, account: caller.session.bodies };
    }
    if (caller.kind === 'anonymous' || method !== 'POST' || !signing) return undefined;
    return { limitBytes: SIGNING_LIMIT_BYTES, deadlineMs: STRANGER_DEADLINE_MS, account: options.strangers };
  } catch {
    // The same refusal comes when the request is answered, and is counted there.
    return undefined;
  }
}
