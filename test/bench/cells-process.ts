import { machineMs } from './hollow/marks.ts';
import { cpuSeconds } from './process-meter.ts';

/** The share of one core that each of some processes uses, in percent, for as long as the work takes. */
export async function cpuPercentDuring<Name extends string>(
  pids: Readonly<Record<Name, number>>,
  work: () => Promise<void>,
): Promise<Readonly<Record<Name, number>>> {
  const names = Object.keys(pids) as Name[];
  const read = () => Promise.all(names.map((name) => cpuSeconds(pids[name])));
  const startedMs = machineMs();
  const before = await read();
  await work();
  const after = await read();
  const seconds = (machineMs() - startedMs) / 1000;
  const percent = names.map((name, i) => [name, (((after[i] ?? 0) - (before[i] ?? 0)) / seconds) * 100]);
  return Object.fromEntries(percent) as Record<Name, number>;
}
