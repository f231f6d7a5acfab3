import { NodelessError } from '../core/errors.ts';
import type { KubeClient, KubeRequest } from './client.ts';

/** An error answer of the API server. */
export class KubeStatusError extends NodelessError {
  readonly status: number;
  /** The Status object's reason, such as `NotFound` or `Conflict`. */
  readonly reason: string;

  constructor(request: KubeRequest, status: number, body: Buffer) {
    const { message, reason } = readStatus(body);
    super({
      code: status === 404 ? 'NotFound' : 'KubeRequestFailed',
      retryable: status === 429 || status >= 500,
      message: `the API server answered ${status} to ${request.method} ${request.path}: ${message}`,
      identity: { path: request.path, status },
    });
    this.status = status;
    this.reason = reason;
  }
}

function readStatus(body: Buffer): { message: string; reason: string } {
  try {
    const status = JSON.parse(body.toString()) as { message?: string; reason?: string };
    return { message: status.message ?? 'no message', reason: status.reason ?? '' };
  } catch {
    return { message: body.toString().slice(0, 200), reason: '' };
  }
}

/** A call that must succeed. @throws KubeStatusError on an error answer, NodelessError KubeRequestFailed on none. */
export async function call<T>(client: KubeClient, request: KubeRequest): Promise<T> {
  const response = await client.request(request);
  if (response.status >= 400) throw new KubeStatusError(request, response.status, response.body);
  return (response.body.length === 0 ? undefined : JSON.parse(response.body.toString())) as T;
}

/** True for an error answer with this HTTP status. */
export function isStatus(error: unknown, status: number): error is KubeStatusError {
  return error instanceof KubeStatusError && error.status === status;
}

/** GET that answers undefined where the object does not exist. */
export async function getOrUndefined<T>(
  client: KubeClient,
  path: string,
  signal?: AbortSignal,
): Promise<T | undefined> {
  try {
    return await call<T>(client, { method: 'GET', path, ...(signal === undefined ? {} : { signal }) });
  } catch (error) {
    if (isStatus(error, 404)) return undefined;
    throw error;
  }
}

/** Server-side apply as field manager `nodeless`, taking over fields that others set. */
export async function apply<T>(client: KubeClient, path: string, object: unknown, signal?: AbortSignal): Promise<T> {
  return call<T>(client, {
    method: 'PATCH',
    path,
    query: { fieldManager: 'nodeless', force: 'true' },
    contentType: 'application/apply-patch+yaml',
    body: object,
    ...(signal === undefined ? {} : { signal }),
  });
}
