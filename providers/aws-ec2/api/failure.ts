import type { CapacityScope } from '../../../src/core/capacity-scope.ts';
import { type ErrorCode, messageOf, NodelessError } from '../../../src/core/errors.ts';
import { capacityCode } from './capacity-codes.ts';

/** What was asked, for the message of an error about it. */
export interface Asked {
  /** Such as `ec2:CreateFleet`, as IAM policies name it. */
  readonly action: string;
  /** What it was about: offering, cell, instance. */
  readonly identity?: Readonly<Record<string, string | number>>;
}

/** An AWS error, as far as it is looked into; SDK exceptions have more. */
interface WireError {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string };
}

type Verdict = readonly [code: ErrorCode, remedy: string, retryable: boolean];

const THROTTLED = new Set([
  'RequestLimitExceeded',
  'Throttling',
  'ThrottlingException',
  'ThrottledException',
  'RequestThrottled',
  'RequestThrottledException',
  'RequestResourceCountExceeded',
  'TooManyRequestsException',
  'PriorRequestNotComplete',
  'EC2ThrottledException',
]);

const NO_CREDENTIALS =
  'give the provider credentials: an IAM role for its service account, a Pod Identity association, or an instance profile';

/** Codes about who asks, with the remedy of each. */
const UNAUTHORIZED: Readonly<Record<string, string>> = {
  UnauthorizedOperation: 'allow it in the IAM policy of the provider (deploy/iam/aws-ec2.json)',
  AccessDenied: 'allow it in the IAM policy of the provider (deploy/iam/aws-ec2.json)',
  AccessDeniedException: 'allow it in the IAM policy of the provider (deploy/iam/aws-ec2.json)',
  AuthFailure: 'the credentials are of no account that may do this in this region; check them and the region',
  'AuthFailure.ServiceLinkedRoleCreationNotPermitted':
    'create the role for spot once: aws iam create-service-linked-role --aws-service-name spot.amazonaws.com',
  Blocked: 'AWS has blocked the account; contact AWS Support',
  CredentialsProviderError: NO_CREDENTIALS,
  TokenProviderError: NO_CREDENTIALS,
  ExpiredToken: 'the credentials have expired; renew what they come from',
  ExpiredTokenException: 'the credentials have expired; renew what they come from',
  IncompleteSignature: NO_CREDENTIALS,
  InvalidClientTokenId: 'the access key does not exist; check the credentials',
  MissingAuthenticationToken: NO_CREDENTIALS,
  OptInRequired: 'the account has not opted in to this region or service',
  RequestExpired: 'the clock of this machine is wrong; set it by NTP',
  RequestTimeTooSkewed: 'the clock of this machine is wrong; set it by NTP',
  SignatureDoesNotMatch: 'the secret key is not that of the access key; check the credentials',
  UnrecognizedClientException: 'the access key does not exist, or not in this region; check both',
};

/** Refusals that are about more or less than who asks, or what for. */
const REFUSAL_SCOPES: Readonly<Record<string, CapacityScope>> = {
  'AuthFailure.ServiceLinkedRoleCreationNotPermitted': 'launch-type',
};

/** What else can't be had with what AWS refuses by this code, where that is known. */
function scopeOf(name: string): CapacityScope | undefined {
  return capacityCode(name)?.scope ?? (Object.hasOwn(REFUSAL_SCOPES, name) ? REFUSAL_SCOPES[name] : undefined);
}

/** What the SDK's transport, not AWS, calls a failure. */
const TRANSPORT = new Set([
  'TimeoutError',
  'AbortError',
  'ECONNRESET',
  'ECONNREFUSED',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

function verdictOf(name: string, status: number | undefined): Verdict {
  if (THROTTLED.has(name)) return ['Throttled', 'it is asked again more slowly', true];
  const capacity = capacityCode(name);
  if (capacity !== undefined) return ['InsufficientCapacity', capacity.meaning, true];
  const remedy = Object.hasOwn(UNAUTHORIZED, name) ? UNAUTHORIZED[name] : undefined;
  if (remedy !== undefined) return ['Unauthorized', remedy, false];
  if (/NotFound(Exception)?$/.test(name)) return ['NotFound', 'check its id and the region', false];
  const isAnswered = status !== undefined && status >= 400 && status < 500 && !TRANSPORT.has(name);
  if (isAnswered) return ['InvalidConfig', 'check the configuration and the CellClass', false];
  return ['AmbiguousOutcome', 'it may or may not have been done', true];
}

/** AWS's own code of an error: the SDK names its exceptions by it. */
function codeOf(error: unknown): string {
  const { name } = (error ?? {}) as WireError;
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' && TRANSPORT.has(code) ? code : String(name ?? 'UnknownError');
}

/** An AWS failure in the words of the provider contract; `awsCode` is in its identity. */
export function failureOf(error: unknown, { action, identity = {} }: Asked): NodelessError {
  if (error instanceof NodelessError) return error;
  const awsCode = codeOf(error);
  const metadata = ((error ?? {}) as WireError).$metadata;
  const [code, remedy, retryable] = verdictOf(awsCode, metadata?.httpStatusCode);
  const scope = scopeOf(awsCode);
  const what = messageOf(error).split('\n')[0] ?? '';
  return new NodelessError({
    code,
    retryable,
    message: `${action}: ${awsCode}${what === '' || what === awsCode ? '' : ` (${what})`}: ${remedy}`,
    cause: error,
    identity: {
      ...identity,
      action,
      awsCode,
      ...(scope === undefined ? {} : { scope }),
      ...(metadata?.requestId === undefined ? {} : { requestId: metadata.requestId }),
    },
  });
}
