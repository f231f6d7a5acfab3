/** What a kubelet's own endpoints tell of one pod. */
export interface PodEvidence {
  /** Names of the containers that its runtime runs. */
  readonly running: ReadonlySet<string>;
  /** Results of the readiness probes since that kubelet's start, by container. */
  readonly probes: ReadonlyMap<string, ProbeCounts>;
}

export interface ProbeCounts {
  readonly successful: number;
  readonly failed: number;
}
