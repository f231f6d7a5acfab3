import { type ErrorCode, NodelessError } from '../../core/errors.ts';
import type { Status } from '../../kube/objects.ts';

/** Why the cell API refused, as counted by `nodeless_cell_api_denials_total`; the values are bounded. */
const DENIAL_REASONS = [
  'no-credentials',
  'bad-certificate',
  'expired-certificate',
  'unknown-cell',
  'unknown-token',
  'reused-token',
  'token-scope',
  'foreign-object',
  'not-allowed',
  'bad-path',
  'bad-csr',
  'bad-patch',
  'limit',
  'request-rate',
  'write-rate',
  'sent-rate',
  'connection-limit',
  'connection-rate',
  'receive-rate',
  'control-frames',
  'slow-reader',
] as const;
export type DenialReason = (typeof DENIAL_REASONS)[number];

const REASONS: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  408: 'Timeout',
  409: 'Conflict',
  410: 'Expired',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

const CODES: Readonly<Record<number, ErrorCode>> = {
  401: 'Unauthenticated',
  403: 'Denied',
  404: 'NotFound',
  410: 'Expired',
  429: 'Throttled',
};

export interface RefusalOptions {
  /** The Status reason, where it is not the usual one of the HTTP status. */
  readonly reason?: string;
  /** Set when the refusal is a denial to be counted. */
  readonly denial?: DenialReason;
  /** Seconds after which a client may try again; client-go waits and repeats by itself when it is there. */
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/** A request that is answered with an error `Status`. */
export class Refusal extends NodelessError {
  readonly status: number;
  readonly reason: string;
  readonly denial: DenialReason | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, message: string, options: RefusalOptions = {}) {
    super({
      code: CODES[status] ?? 'KubeRequestFailed',
      message,
      retryable: status === 429 || status >= 500,
      ...(options.cause === undefined ? {} : { cause: options.cause }),
    });
    this.status = status;
    this.reason = options.reason ?? REASONS[status] ?? 'Unknown';
    this.denial = options.denial;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** The body of an error answer. */
export function statusOf(refusal: Refusal): Status {
  const { status: code, reason, message, retryAfterSeconds } = refusal;
  const details = retryAfterSeconds === undefined ? {} : { details: { retryAfterSeconds } };
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code, ...details };
}

/** 429 that clients repeat by themselves. */
export function tooMany(message: string, denial: DenialReason = 'limit'): Refusal {
  return new Refusal(429, message, { denial, retryAfterSeconds: 1 });
}

/** 403 that is the same whether the object exists or not. */
export function forbidden(denial: DenialReason = 'foreign-object'): Refusal {
  return new Refusal(403, 'a cell may use only what its own pods refer to', { denial });
}

/** 503 that kubelets repeat by themselves. */
export function notReady(message: string): Refusal {
  return new Refusal(503, message, { retryAfterSeconds: 1 });
}

export function notFound(resource: string, name: string): Refusal {
  return new Refusal(404, `${resource} "${name}" not found`);
}

export function badRequest(message: string): Refusal {
  return new Refusal(400, message);
}

/** 410: the client is to list again. */
export function expired(): Refusal {
  return new Refusal(410, 'too old resource version');
}
