/** The least that every Kubernetes object has. */
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    deletionTimestamp?: string;
    annotations?: Record<string, string>;
    labels?: Record<string, string>;
    [field: string]: unknown;
  };
  [field: string]: unknown;
}

/** One line of a watch. */
export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: T;
}

/** The API server's error object. */
export interface Status {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: Record<string, never>;
  readonly status: 'Failure' | 'Success';
  readonly message?: string;
  readonly reason?: string;
  readonly code: number;
  readonly details?: unknown;
}

/** A resourceVersion as a number; upstream's are decimal and ordered. NaN when it is not one. */
export function revisionOf(object: { metadata: { resourceVersion?: string } }): number {
  return Number(object.metadata.resourceVersion ?? Number.NaN);
}

/** Whether a condition of an object's status is True. */
export function hasCondition(
  object: { readonly metadata?: unknown; readonly status?: unknown } | undefined,
  wanted: string,
): boolean {
  const { conditions } = (object?.status ?? {}) as { conditions?: { type: string; status: string }[] };
  return conditions?.some(({ type, status }) => type === wanted && status === 'True') ?? false;
}
