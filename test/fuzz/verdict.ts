import type { FloodFigures } from './flooder.ts';
import type { HonestFigures } from './honest.ts';
import type { Figures } from './tally.ts';
import type { Keeping, WatchFigures } from './watcher.ts';

/** The provider's resident memory; of the requests without floods, the medians of the second and the last quarter. */
export interface Memory {
  readonly before: number;
  readonly second: number;
  readonly last: number;
  readonly peak: number;
  readonly after: number;
}

/** All that a run has found, as its summary has it. */
export interface Summary extends Figures {
  readonly seed: number;
  readonly seconds: number;
  readonly rssMib: Memory;
  readonly honest: HonestFigures;
  readonly limitsHit: Readonly<Record<string, number>>;
  readonly floods: FloodFigures['floods'];
  /** `rounds`: how often everybody was changed; `own`: what the watches told of their own pod, Secret and ConfigMap. */
  readonly watched: WatchFigures & {
    readonly rounds: number;
    readonly own: Readonly<Record<Keeping, readonly number[]>>;
  };
  readonly harm: readonly string[];
}

/**
 * Four hostile cells may each make the provider hold 8 MiB of bodies and 64 MiB of unread answers; as much again is
 * garbage that has not been collected, and buffers of TLS and HTTP/2.
 */
const MAX_GROWTH_MIB = 4 * (8 + 64) * 2;
/** Memory that V8 and the allocator keep for later. */
const MAX_KEPT_MIB = 300;
/** Later requests may cost no more than earlier ones. */
const MAX_CREEP_MIB = 100;
/** A kubelet gives a renewal of its lease up after so long. */
const HONEST_MAX_MS = 10_000;
/** A run that has not reached these has not tried what it should. */
export const EXPECTED_LIMITS = [
  'limit',
  'request-rate',
  'write-rate',
  'connection-limit',
  'connection-rate',
  'receive-rate',
  'sent-rate',
  'control-frames',
  'slow-reader',
  'foreign-object',
  'not-allowed',
  'bad-path',
  'bad-patch',
];
export const MAX_HELD: Readonly<Record<string, number>> = {
  'idle connections with the certificate': 32,
  'idle HTTP/2 connections': 32,
  'half-open handshakes': 128,
  // The burst of a pod and an agent, beyond what the rate allows.
  'writes to its own pod': 160,
  'large events': 0,
  'lists of collections': 110,
};

/** Floods that nobody has an honest reason for: they have to cost every connection of theirs. */
export const MUST_END = [
  'rapid reset',
  'streams without an end',
  'settings, acknowledgements unread',
  'pings, acknowledgements unread',
  'pings, acknowledgements read',
  'continuation without an end',
];
/** Requests that are so disfigured that HTTP itself refuses them try nothing of ours; most have to. */
const MAX_UNREAD_SHARE = 0.2;
/**
 * Of the changes of its own, the share that a watch has to tell; it may have been cut meanwhile. One that is resumed is told
 * what it has missed, and so as many as one that lasts.
 */
const MIN_TOLD_SHARE = 0.5;
/** The share of a run that one watch has to last. */
const MIN_WATCH_SHARE = 0.5;

function faultsOfWatches({ watched, seconds }: Summary): readonly string[] {
  const { leaks, longestMs, own, rounds } = watched;
  const share = longestMs / 1_000 / seconds;
  return [
    ...leaks.map((leak) => `told of another cell: ${leak}`),
    ...(rounds === 0 ? ['no victim was ever changed'] : []),
    ...(['lasting', 'resumed'] as const)
      .filter((keeping) => own[keeping].some((told) => told < rounds * MIN_TOLD_SHARE))
      .map(
        (keeping) =>
          `of ${rounds} changes of its own its ${keeping} watches were told ${own[keeping].join(', ')}: they could not have told foreign ones`,
      ),
    ...(share < MIN_WATCH_SHARE ? [`no watch was open for longer than ${longestMs} ms of ${seconds} s`] : []),
  ];
}

/** Everything that is wrong with a run; nothing when it passed. */
export function faultsOfRun(
  summary: Summary,
  floodLeaks: readonly string[],
  wanted: { requests: number; floods: boolean },
): readonly string[] {
  const { rssMib, honest, limitsHit, floods } = summary;
  const faults = [...summary.harm, ...floodLeaks.map((leak) => `a flood has read ${leak}`)];
  const say = (wrong: boolean, what: string) => wrong && faults.push(what);
  for (const request of summary.unanswered) faults.push(`given up unanswered: request ${request}`);
  faults.push(...faultsOfWatches(summary));
  const unread = Object.entries(summary.byStatus).reduce(
    (sum, [key, n]) => (key.startsWith('none') ? sum + n : sum),
    0,
  );
  say(unread > summary.requests * MAX_UNREAD_SHARE, `${unread} of ${summary.requests} requests had no answer at all`);
  for (const { index, what } of summary.leaks) faults.push(`request ${index}: ${what.join('; ')}`);
  say(summary.requests < wanted.requests, `only ${summary.requests} of ${wanted.requests} requests were made`);
  say(
    rssMib.peak > rssMib.before + MAX_GROWTH_MIB,
    `the provider's memory has grown by ${rssMib.peak - rssMib.before} MiB`,
  );
  say(rssMib.after > rssMib.before + MAX_KEPT_MIB, `the provider has kept ${rssMib.after - rssMib.before} MiB`);
  const creep = rssMib.last - rssMib.second;
  say(creep > MAX_CREEP_MIB, `the provider's memory grows with requests: by ${creep} MiB when the floods were over`);
  say(
    honest.requests === 0 || honest.failed > 0,
    `${honest.failed} of ${honest.requests} requests of the honest cell were refused`,
  );
  say(honest.maxMs > HONEST_MAX_MS, `the honest cell waited up to ${honest.maxMs} ms (p99 ${honest.p99Ms} ms)`);
  if (!wanted.floods) return faults;
  for (const reason of EXPECTED_LIMITS) say(!limitsHit[reason], `nothing was denied for the reason ${reason}`);
  for (const name of MUST_END) say(floods[name]?.ended !== true, `the flood "${name}" did not cost its connections`);
  for (const [name, most] of Object.entries(MAX_HELD)) {
    const { held = Number.POSITIVE_INFINITY } = floods[name] ?? {};
    say(held > most, `${name}: ${held} were held, and ${most} may be`);
  }
  return faults;
}
