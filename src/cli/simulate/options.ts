import { z } from 'zod';
import { durationField } from '../../core/duration-field.ts';
import { NodelessError } from '../../core/errors.ts';
import { GENERATOR_NAMES } from '../../warm-pool/simulation/generators.ts';

/** The policy that recommendations come from. */
export const RECOMMENDED = 'predictive';

const HOUR_MS = 3_600_000;

/** Median and 95th percentile, such as `24s,34s`; one of them when the time is always the same. */
const latency = z.string().transform((text, context) => {
  const [median = '', high = median] = text.split(',').map((part) => part.trim());
  const [p50, p95] = [durationField.safeParse(median), durationField.safeParse(high)];
  if (p50.success && p95.success && p50.data <= p95.data) return { p50Ms: p50.data, p95Ms: p95.data };
  const message = `"${text}" is not a median and a 95th percentile such as 24s,34s`;
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

const number = (what: string) => z.coerce.number({ error: `must be ${what}` });
const whole = number('a whole number').int().min(0);
const usd = number('dollars an hour').min(0);

const flags = z
  .strictObject({
    trace: z.string().optional(),
    generator: z.enum(GENERATOR_NAMES as [string, ...string[]]).optional(),
    days: number('a number of days').positive().max(366),
    podsPerDay: number('a number of pods').positive().max(2_000_000),
    duration: latency,
    seed: whole,
    policy: z.array(z.string()),
    startupSla: durationField,
    percentile: number('a percentile such as 95').gt(0).lt(100),
    warmUp: durationField,
    min: whole,
    max: whole,
    budget: usd.optional(),
    launch: latency,
    boot: latency,
    warmStart: latency,
    resume: latency,
    shutdown: durationField,
    failureRate: number('a chance from 0 to 0.9').min(0).max(0.9),
    launchRate: number('launches a second').positive(),
    stoppedPrice: usd,
    output: z.enum(['table', 'json']),
    svg: z.string().optional(),
    recommend: z.boolean().optional(),
  })
  .check((context) => {
    const { trace, generator, min, max, recommend, policy } = context.value;
    const wrong = (path: string, message: string) =>
      context.issues.push({ code: 'custom', input: context.value, path: [path], message });
    if (trace !== undefined && generator !== undefined) wrong('generator', 'can not be given together with --trace');
    if (recommend && !policy.includes(RECOMMENDED)) wrong('recommend', `needs --policy ${RECOMMENDED}`);
    if (min > max) wrong('min', `${min} is more than --max ${max}`);
  });

/** What `nodeless simulate` was asked for. */
export type SimulateOptions = z.output<typeof flags>;

function flagOf(key: PropertyKey | undefined): string {
  return `--${String(key).replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Checks the flags of `nodeless simulate`. @throws NodelessError ConfigInvalid naming every flag that is wrong */
export function parseOptions(given: Readonly<Record<string, unknown>>): SimulateOptions {
  const result = flags.safeParse(given);
  if (result.success) return result.data;
  const message = result.error.issues.map(({ path, message }) => `${flagOf(path[0])}: ${message}`).join('; ');
  throw new NodelessError({ code: 'ConfigInvalid', message });
}

/** The hour from which a run counts: the warm-up in whole hours, at most half of the trace. */
export function firstHour({ warmUp }: SimulateOptions, endMs: number): number {
  return Math.min(Math.ceil(warmUp / HOUR_MS), Math.floor(endMs / HOUR_MS / 2));
}
