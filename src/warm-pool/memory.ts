import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { z } from 'zod';
import { type ArrivalBin, ArrivalLog, MOST_BINS } from './arrival-log.ts';
import type { StartSamples } from './start-record.ts';

/** What a pool has learned, beyond what its object states. */
export interface PoolMemory extends StartSamples {
  readonly log: ArrivalLog;
}

/** Of a status that everybody who watches pools is sent. */
const MOST_CHARS = 24_576;
/** What that much can be inflated to is bounded as well. */
const MOST_BYTES = 1_048_576;
const PER_BIN = 3;

const durations = z.array(z.number().min(0).max(86_400_000)).max(200);
const count = z.int().min(0).max(1_000_000);
const written = z.strictObject({
  version: z.literal(1),
  widthMs: z.int().min(1_000).max(3_600_000),
  fromMs: z.int().min(0),
  /** Three numbers of each bin: widths since the one before, pods, batches. */
  bins: z.array(count).max(MOST_BINS * PER_BIN),
  leadMs: durations,
  coldMs: durations,
  warmMs: durations,
  resumeMs: durations.default([]),
  resumedMs: durations.default([]),
});

type Written = Pick<StartSamples, 'leadMs' | 'coldMs' | 'warmMs'> & Partial<StartSamples>;

function textOf({ log, ...durationsMs }: Written & Pick<PoolMemory, 'log'>): string {
  const fromMs = log.bins[0]?.fromMs ?? 0;
  let lastMs = fromMs;
  const bins = log.bins.flatMap(({ fromMs: atMs, pods, batches }) => {
    const gap = Math.round((atMs - lastMs) / log.widthMs);
    lastMs = atMs;
    return [gap, pods, batches];
  });
  const text = JSON.stringify({ version: 1, widthMs: log.widthMs, fromMs, bins, ...durationsMs });
  return deflateRawSync(text).toString('base64');
}

/** A pool's memory as text of 24 KiB at most: of many arrivals the bins are wider. */
export function writeMemory(memory: PoolMemory): string {
  const rounded = (list: readonly number[]) => list.map(Math.round);
  const { leadMs, coldMs, warmMs, resumeMs, resumedMs } = memory;
  // A version that knows no stopped cells reads the memory of a pool that has had none.
  const ofStopped =
    resumeMs.length + resumedMs.length === 0 ? {} : { resumeMs: rounded(resumeMs), resumedMs: rounded(resumedMs) };
  const durationsMs = { leadMs: rounded(leadMs), coldMs: rounded(coldMs), warmMs: rounded(warmMs), ...ofStopped };
  for (let log: ArrivalLog | undefined = memory.log; log !== undefined; log = log.wider()) {
    const text = textOf({ log, ...durationsMs });
    if (text.length <= MOST_CHARS) return text;
  }
  return textOf({ log: new ArrivalLog(), ...durationsMs });
}

function binsOf(fromMs: number, widthMs: number, numbers: readonly number[]): readonly ArrivalBin[] {
  const bins: ArrivalBin[] = [];
  let atMs = fromMs;
  for (let at = 0; at + 2 < numbers.length; at += PER_BIN) {
    const [gap, pods, batches] = numbers.slice(at, at + PER_BIN) as [number, number, number];
    atMs += gap * widthMs;
    bins.push({ fromMs: atMs, pods, batches: Math.min(pods, batches) });
  }
  return bins;
}

/** The memory that was written; undefined where it can not be read, or is of a time that has not come yet. */
export function readMemory(text: unknown, nowMs: number): PoolMemory | undefined {
  if (typeof text !== 'string' || text.length > MOST_CHARS) return undefined;
  try {
    const inflated = inflateRawSync(Buffer.from(text, 'base64'), { maxOutputLength: MOST_BYTES }).toString();
    const { version: _, widthMs, fromMs, bins: numbers, ...durationsMs } = written.parse(JSON.parse(inflated));
    const bins = binsOf(fromMs, widthMs, numbers);
    if ((bins.at(-1)?.fromMs ?? 0) > nowMs) return undefined;
    return { log: new ArrivalLog(bins, widthMs), ...durationsMs };
  } catch {
    return undefined;
  }
}
