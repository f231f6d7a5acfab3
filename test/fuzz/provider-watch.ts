import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const MIB = 1024 * 1024;
const EVERY_MS = 500;
const PAGE_BYTES = 4_096;

/** Resident memory of a process. @throws when it is gone */
export async function residentMib(pid: number): Promise<number> {
  const [, resident] = (await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ');
  return Math.round((Number(resident) * PAGE_BYTES) / MIB);
}

export interface MemoryWatch {
  /** Samples so far, in MiB, half a second apart. */
  readonly samplesMib: readonly number[];
  stop(): Promise<void>;
}

/** Samples a process's resident memory until it is stopped, or the process is gone. */
export function watchMemory(pid: number): MemoryWatch {
  const samplesMib: number[] = [];
  const stopped = new AbortController();
  async function sample(): Promise<void> {
    while (!stopped.signal.aborted) {
      samplesMib.push(await residentMib(pid));
      await delay(EVERY_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  }
  const sampling = sample().catch(() => undefined);
  return {
    samplesMib,
    async stop() {
      stopped.abort();
      await sampling;
    },
  };
}

/** The peak of the samples; of those from an index on, the medians of the second and of the last quarter. */
export function summaryOf(samplesMib: readonly number[], from: number): { peak: number; second: number; last: number } {
  const later = samplesMib.slice(from);
  const at = (share: number) => Math.floor(later.length * share);
  const median = (since: number, until: number) => {
    const sorted = later.slice(at(since), at(until)).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? 0;
  };
  return { peak: Math.max(...samplesMib), second: median(0.25, 0.5), last: median(0.75, 1) };
}
