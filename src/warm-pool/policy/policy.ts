/** What a policy sees of its pool. */
export interface PoolState {
  /** Cells that wait for a pod, kubelet ready. */
  readonly ready: number;
  /** Cells on their way to ready that no pod has yet. */
  readonly booting: number;
  /** Pods that wait for a cell. */
  readonly waiting: number;
  /** Cells that run a pod. */
  readonly running: number;
  /** Stopped cells, and cells on their way to that. */
  readonly stopped: number;
}

/** What a pool should hold. */
export interface Desired {
  /** Running cells, ready and booting, beyond what waiting pods take: what is missing is ordered at once. */
  readonly running: number;
  /** Running cells beyond this many may end, those first that have been billed their minimum. Never below `running`. */
  readonly runningAtMost: number;
  /** Stopped cells, which cost their disks. */
  readonly stopped: number;
  /** Why, in words. */
  readonly why: string;
}

/** Decides how many cells a pool holds, of which tier. Pure but for what it has learned from what it was told. */
export interface WarmPoolPolicy {
  /** How often it wants to decide although nothing happened; undefined when never. */
  readonly tickMs?: number;
  /** So many pods were created at once: a Deployment that scales by N is one arrival of N. */
  arrived(nowMs: number, pods: number): void;
  /** A pod's containers started so long after its creation. */
  started(nowMs: number, startMs: number): void;
  /** Asked at the start, after every arrival and at every tick; time never goes back. */
  decide(state: PoolState, nowMs: number): Desired;
}
