/** Every failure that Nodeless names. The code is stable and listed in docs/errors.md. */
export const ERROR_CODES = {
  AdmissionInvalid: 'a webhook was asked something that is no admission review; check who calls it',
  AgentDenied: 'a DaemonSet asks for a place in every cell, and its namespace is not in cells.agents.namespaces',
  AmbiguousOutcome: 'the cloud may or may not have done what was asked; settle it by listing before trying again',
  BudgetExceeded: 'the CellClass may have no further cell now; one may be had when another of the class ends',
  ConfigInvalid: 'the configuration has a value that is missing, unknown or out of range',
  Denied: 'a cell asked for something that is not its own',
  Expired: 'a watch or list named a resourceVersion that is no longer known',
  Forbidden: 'whoever runs the command may not do in the cluster what it needs; the message names verb and resource',
  InsufficientCapacity: 'the offering has no capacity now; another offering, or the same one later, may have',
  InvalidConfig: 'the provider was configured with something that its cloud refuses',
  InvalidQuantity: 'an amount is no Kubernetes quantity, is negative, or is more than any machine has',
  KubeRequestFailed: 'the API server answered with an error or did not answer',
  LaunchTimeout: 'a cell did not register within its launch timeout',
  NoCellClass:
    'the pod picks a CellClass that does not exist, is not valid or is not for its namespace, or none can be read',
  NoOffering: 'no offering is large enough for the pod and what it and its CellClass ask for',
  NoRoom: 'the cell that the pod must be on has no room for it, or is not there yet; it gets a place when there is',
  NotEnforced: 'a NetworkPolicy selects the pod, and the CellClass of its cell names nothing that enforces it',
  NotFound: 'what was asked for does not exist',
  NotLeading: 'a replica that may not lead any more was asked to change something; the one that leads will',
  NotReady: 'what was installed does not come up in time; the message says what it waits for',
  PortInUse: 'a port that Nodeless must listen on is taken by another process',
  PrerequisiteMissing: 'the machine lacks something that is needed; the message names it and how to get it',
  Throttled: 'the cloud or the API server asks for fewer requests; wait and try again',
  Unauthenticated: 'a caller proved no identity, or one that is not valid any more',
  Unauthorized: 'the provider may not do this in the cloud; check its permissions',
  WouldUndo:
    'an installation would take back what an earlier one with other flags set up; repeat its flags, or say --force',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface NodelessErrorOptions {
  readonly code: ErrorCode;
  /** One sentence that says what failed and what mends it. */
  readonly message: string;
  /** True when the same call may succeed later without a change. */
  readonly retryable?: boolean;
  readonly cause?: unknown;
  /** What the failure is about: pod, cell, offering, path. Never secrets. */
  readonly identity?: Readonly<Record<string, string | number>>;
}

/** The base of every error that Nodeless throws on purpose; branch on `code`, never on `message`. */
export class NodelessError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly identity: Readonly<Record<string, string | number>>;

  constructor(options: NodelessErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'NodelessError';
    this.code = options.code;
    this.retryable = options.retryable ?? false;
    this.identity = options.identity ?? {};
  }
}

export function isNodelessError(error: unknown, code?: ErrorCode): error is NodelessError {
  return error instanceof NodelessError && (code === undefined || error.code === code);
}

/** True for what the cloud refuses until somebody changes something. */
export function isRefusal(error: unknown): error is NodelessError {
  return isNodelessError(error) && ['InvalidConfig', 'NotFound', 'Unauthorized'].includes(error.code);
}

/** A human-readable message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function becauseOf(error: unknown): readonly unknown[] {
  if (error instanceof AggregateError) return error.errors;
  return error instanceof Error && error.cause !== undefined ? [error.cause] : [];
}

/** The message of an error and of what caused it, unless that is said already. */
export function explain(error: unknown): string {
  const message = messageOf(error);
  const reasons = becauseOf(error)
    .map(explain)
    .filter((reason) => !message.includes(reason));
  return [message, ...reasons].join('\n');
}
