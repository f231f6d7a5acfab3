import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Memory of a process in bytes. */
export interface ProcessMemory {
  readonly rssBytes: number;
  /** What lives on V8's heap and what its objects hold outside of it. */
  readonly liveBytes: number;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** This process's memory once garbage is collected. */
export function processMemory(): ProcessMemory {
  collectGarbage();
  // What the first round has finalized is freed by the second.
  collectGarbage();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rssBytes: rss, liveBytes: heapUsed + external };
}
