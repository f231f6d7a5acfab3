import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { cellFolder } from '../support/cells.ts';

/** When a local cell's machine came to each point of its boot, in milliseconds since the epoch, by its files and log. */
export interface BootTimes {
  /** The provider was called. */
  readonly launchBegan: number;
  /** Its first process runs; about here the launch is accepted. */
  readonly machineRuns: number;
  /** The provider has settled whose certificate request it is. */
  readonly attested: number;
  readonly certified: number;
  readonly kubeletBegan: number;
  /** It began to ask for pods, which it does a second after its start at the earliest. */
  readonly podsAsked: number;
}

/** Pure: when a kubelet logged a line with these words first, in milliseconds since the epoch; klog writes no year. */
export function loggedAtMs(log: string, words: string, year: number): number | undefined {
  const line = log.split('\n').find((one) => one.includes(words));
  const found = /^[IWEF](\d\d)(\d\d) (\d\d:\d\d:\d\d\.\d{6})/.exec(line ?? '');
  if (found === null) return undefined;
  const [, month, day, time] = found;
  return Date.parse(`${year}-${month}-${day}T${time}Z`);
}

const LINES = {
  kubeletBegan: 'Kubelet version',
  podsAsked: 'Watching apiserver',
};

function kubeletLog(clusterName: string, cellId: string): Promise<string> {
  return readFile(join(cellFolder(clusterName, cellId), 'machine', 'kubelet.log'), 'utf8').catch(() => '');
}

/** True once the kubelet of a cell asks for pods, which it does last. */
export async function isBooted(clusterName: string, cellId: string): Promise<boolean> {
  const log = await kubeletLog(clusterName, cellId);
  return log.includes(LINES.podsAsked);
}

/** Reads a cell's boot while its folder is there. */
export async function bootTimes(clusterName: string, cellId: string): Promise<BootTimes> {
  const at = (...names: string[]) => join(cellFolder(clusterName, cellId), ...names);
  const changedMs = async (path: string) => (await stat(path)).mtimeMs;
  const log = await kubeletLog(clusterName, cellId);
  const year = new Date().getUTCFullYear();
  const logged = (words: string) => {
    const ms = loggedAtMs(log, words, year);
    if (ms === undefined) throw new Error(`the kubelet of ${cellId} has not logged "${words}"`);
    return ms;
  };
  return {
    launchBegan: await changedMs(at('token')),
    machineRuns: await changedMs(at('machine', 'supervisor')),
    attested: await changedMs(at('key')),
    certified: await changedMs(at('machine', 'pki', 'kubelet-client-current.pem')),
    kubeletBegan: logged(LINES.kubeletBegan),
    podsAsked: logged(LINES.podsAsked),
  };
}
