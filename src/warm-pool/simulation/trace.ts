/** Pods of one shape, by arrival. */
export interface Workload {
  /** What its cells are, such as `500m/1Gi`. */
  readonly shape: string;
  /** Milliseconds since the trace's start, never going back; equal ones are one arrival of several pods. */
  readonly arrivalMs: Float64Array;
  /** How long each pod's containers run. */
  readonly durationMs: Float64Array;
}

/** What happened, or could have, over a stretch of time. */
export interface Trace {
  readonly workloads: readonly Workload[];
  /** The trace's length; no pod arrives later. */
  readonly endMs: number;
}
