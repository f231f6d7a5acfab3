import parseDuration from 'parse-duration';
import { z } from 'zod';
import { NodelessError } from '../../core/errors.ts';
import type { Trace, Workload } from './trace.ts';

/** The shape of pods whose line names none. */
export const DEFAULT_SHAPE = '250m/256Mi';

const HEADINGS = ['arrival', 'duration', 'shape'];

/** One pod of a trace: seconds since the start or an RFC 3339 time; seconds or a duration; `CPU/MEMORY`. */
const pod = z.strictObject({
  arrival: z.union([z.number(), z.string()]),
  duration: z.union([z.number(), z.string()]),
  shape: z.string().min(1).default(DEFAULT_SHAPE),
});

interface Line {
  /** Where it stands, for errors: `line 7`, `pod 7`. */
  readonly place: string;
  readonly value: unknown;
}

const PLAIN_NUMBER = /^-?\d+(\.\d+)?$/;

function invalid(source: string, problem: string): NodelessError {
  return new NodelessError({ code: 'ConfigInvalid', message: `${source}: ${problem}`, identity: { source } });
}

function csvLines(text: string, source: string): readonly Line[] {
  const [head = '', ...rest] = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const names = head.split(',').map((name) => name.trim());
  if (!names.includes('arrival') || !names.includes('duration') || names.some((name) => !HEADINGS.includes(name)))
    throw invalid(source, `line 1 must be the heading "arrival,duration" or "arrival,duration,shape", not "${head}"`);
  return rest.flatMap((line, index) => {
    if (line.trim() === '') return [];
    const place = `line ${index + 2}`;
    const fields = line.split(',').map((field) => field.trim());
    if (fields.length !== names.length)
      throw invalid(source, `${place} has ${fields.length} fields, the heading ${names.length}`);
    const entries = names.map((name, column) => [name, fields[column]] as const).filter(([, field]) => field !== '');
    return [{ place, value: Object.fromEntries(entries) }];
  });
}

function jsonLines(text: string, source: string): readonly Line[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid(source, `can not be read as JSON: ${error instanceof Error ? error.message : error}`);
  }
  if (!Array.isArray(value)) throw invalid(source, 'must be a JSON array of {arrival, duration, shape}');
  return value.map((one, index) => ({ place: `pod ${index + 1}`, value: one }));
}

function durationMsOf(given: number | string): number {
  if (typeof given === 'number') return given * 1_000;
  return PLAIN_NUMBER.test(given) ? Number(given) * 1_000 : (parseDuration(given) ?? Number.NaN);
}

/** Milliseconds, since the epoch when it is a time; NaN when it is neither. */
function momentMsOf(given: number | string): number {
  if (typeof given === 'number') return given * 1_000;
  return PLAIN_NUMBER.test(given) ? Number(given) * 1_000 : Date.parse(given);
}

interface Pod {
  readonly arrivalMs: number;
  readonly durationMs: number;
  readonly shape: string;
}

function podOf({ place, value }: Line, source: string): Pod {
  const result = pod.safeParse(value);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw invalid(source, `${place}: ${[...(issue?.path ?? []), issue?.message].join(' ')}`);
  }
  const { arrival, duration, shape } = result.data;
  const arrivalMs = momentMsOf(arrival);
  const durationMs = durationMsOf(duration);
  if (!Number.isFinite(arrivalMs) || arrivalMs < 0)
    throw invalid(
      source,
      `${place}: arrival "${arrival}" is neither seconds since the start nor a time like 2026-01-31T08:00:00Z`,
    );
  if (!Number.isFinite(durationMs) || durationMs < 0)
    throw invalid(source, `${place}: duration "${duration}" must be seconds or a duration like 5m, and not negative`);
  return { arrivalMs, durationMs, shape };
}

/** A trace that names times counts from the hour in which it begins; one that counts seconds, from 0. */
function originOf(firstMs: number): number {
  const aYearMs = 366 * 86_400_000;
  return firstMs < aYearMs ? 0 : Math.floor(firstMs / 3_600_000) * 3_600_000;
}

function workloadOf(shape: string, pods: readonly Pod[], originMs: number): Workload {
  return {
    shape,
    arrivalMs: Float64Array.from(pods, ({ arrivalMs }) => arrivalMs - originMs),
    durationMs: Float64Array.from(pods, ({ durationMs }) => durationMs),
  };
}

/**
 * Reads a trace, CSV with a heading or a JSON array.
 * @throws NodelessError ConfigInvalid naming the line: malformed, negative, or earlier than the line before
 */
export function parseTrace(text: string, source: string): Trace {
  const lines = /^\s*[[{]/.test(text) ? jsonLines(text, source) : csvLines(text, source);
  let lastMs = 0;
  const byShape = new Map<string, Pod[]>();
  let originMs: number | undefined;
  for (const line of lines) {
    const one = podOf(line, source);
    if (one.arrivalMs < lastMs)
      throw invalid(
        source,
        `${line.place}: arrival goes back by ${(lastMs - one.arrivalMs) / 1_000} s; sort the trace by arrival`,
      );
    lastMs = one.arrivalMs;
    originMs ??= originOf(one.arrivalMs);
    const pods = byShape.get(one.shape) ?? [];
    pods.push(one);
    byShape.set(one.shape, pods);
  }
  if (originMs === undefined) throw invalid(source, 'has no pods');
  const start = originMs;
  return {
    workloads: [...byShape].map(([shape, pods]) => workloadOf(shape, pods, start)),
    endMs: lastMs - start + 1,
  };
}
