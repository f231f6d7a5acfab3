import type { FloodFigures } from './flooder.ts';
import type { HonestFigures } from './honest.ts';
import type { Figures } from './tally.ts';

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
const EXPECTED_LIMITS = [
  'limit',
  'request-rate',
  'write-rate',
  'connection-limit',
  'connection-rate',
  'receive-rate',
  'slow-reader',
  'foreign-object',
  'not-allowed',
  'bad-path',
  'bad-patch',
];
const MAX_HELD: Readonly<Record<string, number>> = {
  'idle connections with the certificate': 32,
  'idle HTTP/2 connections': 32,
  'half-open handshakes': 128,
  // A burst, and what comes back in half a minute; the first is large, so that it counts for a dozen each.
  'writes to its own pod': 150,
  'large events': 0,
};

/** Everything that is wrong with a run; nothing when it passed. */
export function faultsOfRun(
  summary: Summary,
  floodLeaks: readonly string[],
  wanted: { requests: number; floods: boolean },
): readonly string[] {
  const { rssMib, honest, limitsHit, floods } = summary;
  const faults = [...summary.harm, ...floodLeaks.map((leak) => `a flood has read ${leak}`)];
  const say = (wrong: boolean, what: string) => wrong && faults.push(what);
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
  for (const [name, most] of Object.entries(MAX_HELD)) {
    const { held = Number.POSITIVE_INFINITY } = floods[name] ?? {};
    say(held > most, `${name}: ${held} were held, and ${most} may be`);
  }
  return faults;
}
