/** What one pod on one cell has used, as its kubelet told last. */
interface PodUsage {
  /** Since the pod began. */
  readonly cpuCoreSeconds?: number;
  readonly workingSetBytes?: number;
}

/**
 * The virtual node's own usage: the sum of what its pods use. (A cell's node-level numbers are its machine's; cells
 * on one machine would each tell the whole machine's.) CPU time only grows, though pods and cells come and go, so that
 * rates over it are right; a cell that does not answer keeps its last numbers.
 */
export interface NodeUsage {
  /** `key` tells one pod on one cell. */
  observe(key: string, usage: PodUsage): void;
  /** Drops the memory of pods that are not among these; their CPU time stays counted. */
  retain(keys: ReadonlySet<string>, nowMs: number): void;
  totals(): { readonly cpuCoreSeconds: number; readonly workingSetBytes: number };
}

/** Numbers that a kubelet could tell; a cell that lies must not make the sum useless. */
const MAX_CORE_SECONDS = 1e12;
const MAX_BYTES = 2 ** 50;

/** A cell that is gone for a moment comes back with the same counters: they must not count twice. */
const FORGET_AFTER_MS = 600_000;

interface Reading {
  cpu: number;
  memory: number;
  goneSinceMs?: number;
}

function within(value: number | undefined, max: number): value is number {
  return value !== undefined && value >= 0 && value <= max;
}

/** Usage that starts at nothing. */
export function createNodeUsage(): NodeUsage {
  const last = new Map<string, Reading>();
  let cpuCoreSeconds = 0;
  return {
    observe(key, usage) {
      const known: Reading = last.get(key) ?? { cpu: 0, memory: 0 };
      delete known.goneSinceMs;
      last.set(key, known);
      if (within(usage.workingSetBytes, MAX_BYTES)) known.memory = usage.workingSetBytes;
      const cpu = usage.cpuCoreSeconds;
      if (!within(cpu, MAX_CORE_SECONDS)) return;
      // A little less is an older reading that came late; much less is a counter that began anew.
      if (cpu >= known.cpu / 2) cpuCoreSeconds += Math.max(0, cpu - known.cpu);
      else cpuCoreSeconds += cpu;
      known.cpu = cpu >= known.cpu / 2 ? Math.max(cpu, known.cpu) : cpu;
    },
    retain(keys, nowMs) {
      for (const [key, reading] of last) {
        if (keys.has(key)) continue;
        reading.memory = 0;
        reading.goneSinceMs ??= nowMs;
        if (nowMs - reading.goneSinceMs > FORGET_AFTER_MS) last.delete(key);
      }
    },
    totals() {
      const workingSetBytes = [...last.values()].reduce((sum, { memory }) => sum + memory, 0);
      return { cpuCoreSeconds, workingSetBytes };
    },
  };
}

/** The key of a pod on a cell. */
export function usageKey(cellId: string, podUid: string): string {
  return `${cellId}/${podUid}`;
}
