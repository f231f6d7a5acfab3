import { Cron } from 'croner';
import { z } from 'zod';
import { durationField } from './duration-field.ts';

const MOST_WINDOWS = 8;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Windows are compared from here on, for so many times of each: the answer must not depend on when it is asked. */
const COMPARED_FROM = new Date(Date.UTC(2026, 0, 1));
const COMPARED_TIMES = 400;

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).format(0) !== '';
  } catch {
    return false;
  }
}

function cronOf({ cron, timeZone }: Pick<ScheduleWindow, 'cron' | 'timeZone'>): Cron {
  return new Cron(cron, { mode: '5-part', timezone: timeZone, paused: true });
}

const windowFields = z.strictObject({
  cron: z.string().min(9).max(128),
  timeZone: z
    .string()
    .max(64)
    .refine(isTimeZone, 'is no time zone that is known here; use one of the IANA names, such as Europe/Berlin or UTC')
    .default('UTC'),
  duration: durationField.refine(
    (ms) => ms >= MINUTE_MS && ms <= 31 * DAY_MS,
    'is not between 1m and 31d; say how long the window stays open',
  ),
  min: z.int().min(0).max(1_000).optional(),
  max: z.int().min(0).max(1_000).optional(),
});

const window = windowFields
  .refine(
    ({ min, max }) => min !== undefined || max !== undefined,
    'has neither min nor max; give what it is to change',
  )
  .superRefine((one, context) => {
    const wrong = (message: string) => context.addIssue({ code: 'custom', path: ['cron'], message });
    try {
      if (isTimeZone(one.timeZone) && cronOf(one).nextRun(COMPARED_FROM) === null)
        wrong(`"${one.cron}" never comes; name days that there are`);
    } catch {
      wrong(
        `"${one.cron}" is not minute, hour, day, month and weekday, such as "0 8 * * 1-5" for 8 o'clock on workdays`,
      );
    }
  });

/** Times at which a pool has other limits. */
export const scheduleField = z.array(window).max(MOST_WINDOWS);

/** From each time of its cron on, in its time zone, it is open for its duration, in milliseconds. */
export interface ScheduleWindow {
  readonly cron: string;
  readonly timeZone: string;
  readonly duration: number;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

/** How many cells may wait. */
export interface Limits {
  readonly min: number;
  readonly max: number;
}

/** The limits at a time. */
export interface LimitsAtTime extends Limits {
  /** The windows that are open then. */
  readonly open: readonly ScheduleWindow[];
}

/** Limits at all times, and at some. */
export interface Scheduled extends Limits {
  readonly schedule?: readonly ScheduleWindow[] | undefined;
}

/** `0 8 * * 1-5 Europe/Berlin`. */
export function describeWindow({ cron, timeZone }: ScheduleWindow): string {
  return `${cron} ${timeZone}`;
}

function isOpen(one: ScheduleWindow, atMs: number): boolean {
  const next = cronOf(one).nextRun(new Date(atMs - one.duration));
  return next !== null && next.getTime() <= atMs;
}

/** The limits while some windows are open: of several the highest min, and the lowest max. */
function within({ min, max }: Limits, open: readonly ScheduleWindow[]): Limits {
  const mins = open.flatMap((one) => one.min ?? []);
  const maxes = open.flatMap((one) => one.max ?? []);
  return { min: mins.length === 0 ? min : Math.max(...mins), max: maxes.length === 0 ? max : Math.min(...maxes) };
}

/** The limits at a time, and the windows that are open then. */
export function limitsAt(spec: Scheduled, atMs: number): LimitsAtTime {
  const open = (spec.schedule ?? []).filter((one) => isOpen(one, atMs));
  return { ...within(spec, open), open };
}

/** The limits by which cells are ordered that take so long to come: those of a window that opens soon count already. */
export function limitsAhead(spec: Scheduled, nowMs: number, leadMs: number): LimitsAtTime {
  const now = limitsAt(spec, nowMs);
  if (spec.schedule === undefined) return now;
  const soon = limitsAt(spec, nowMs + leadMs);
  return soon.min > now.min ? { ...now, min: soon.min, max: Math.max(now.max, soon.min) } : now;
}

/** The first moment at which both are open, as far as they are compared. */
function firstOverlapMs(a: ScheduleWindow, b: ScheduleWindow): number | undefined {
  const [first, second] = [a, b].map((one) => cronOf(one).nextRuns(COMPARED_TIMES, COMPARED_FROM));
  let at = 0;
  for (const run of first ?? []) {
    const fromMs = run.getTime();
    while (at < (second ?? []).length && (second?.[at]?.getTime() ?? 0) + b.duration <= fromMs) at += 1;
    const otherMs = second?.[at]?.getTime();
    if (otherMs !== undefined && otherMs < fromMs + a.duration) return Math.max(fromMs, otherMs);
  }
  return undefined;
}

/** What is contradictory in a schedule, and the remedy: windows whose limits leave no number of cells. */
export function contradiction(spec: Scheduled): string | undefined {
  const { schedule = [] } = spec;
  for (const [index, one] of schedule.entries()) {
    const alone = within(spec, [one]);
    if (alone.min > alone.max)
      return `${index} asks for at least ${alone.min} and at most ${alone.max} cells; give it a min and a max that agree`;
    for (const [before, other] of schedule.slice(0, index).entries()) {
      const { min, max } = within(spec, [one, other]);
      const sinceMs = min > max ? firstOverlapMs(one, other) : undefined;
      if (sinceMs === undefined) continue;
      const both = `${before} (${describeWindow(other)}) and ${index} (${describeWindow(one)})`;
      const when = new Date(sinceMs).toISOString();
      return `${both} are open at once, as at ${when}, and ask for at least ${min} and at most ${max} cells; move or shorten one, or make min and max agree`;
    }
  }
  return undefined;
}
