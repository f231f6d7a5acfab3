import type { FuzzRequest } from './grammar/request.ts';
import { GIVEN_UP, type WireReply } from './wire/reply.ts';

/** An answer that is a failure, and how to make its request again. */
export interface Leak {
  readonly index: number;
  readonly what: readonly string[];
  readonly request: string;
  readonly answer: string;
}

export interface Figures {
  readonly requests: number;
  readonly byKind: Readonly<Record<string, number>>;
  /** `none`: the stream or the connection ended, or the client would not send it. */
  readonly byStatus: Readonly<Record<string, number>>;
  readonly leaks: readonly Leak[];
  /** Some of the requests that were given up after 15 s. */
  readonly unanswered: readonly string[];
}

const MAX_LEAKS = 20;
const MAX_UNANSWERED = 5;

function add(counts: Record<string, number>, key: string, by = 1): void {
  counts[key] = (counts[key] ?? 0) + by;
}

/** Counts requests and keeps the first failures. */
export class Tally {
  #requests = 0;
  readonly #byKind: Record<string, number> = {};
  readonly #byStatus: Record<string, number> = {};
  readonly #leaks: Leak[] = [];
  readonly #unanswered: string[] = [];

  count(request: FuzzRequest, reply: WireReply, index: number, faults: readonly string[]): void {
    this.#requests += 1;
    add(this.#byKind, request.kind);
    add(
      this.#byStatus,
      reply.status === 0
        ? `none (${request.transport}${reply.text === '' ? '' : `: ${reply.text}`})`
        : String(reply.status),
    );
    const { transport, method, url, headers, body } = request;
    const told = { transport, method, url, headers, body: body?.subarray(0, 500).toString('latin1') };
    if (reply.status === 0 && reply.text === GIVEN_UP && this.#unanswered.length < MAX_UNANSWERED) {
      this.#unanswered.push(`${index}: ${JSON.stringify(told)}`);
    }
    if (faults.length === 0 || this.#leaks.length >= MAX_LEAKS) return;
    this.#leaks.push({ index, what: faults, request: JSON.stringify(told), answer: reply.text.slice(0, 1_000) });
  }

  figures(): Figures {
    return {
      requests: this.#requests,
      byKind: this.#byKind,
      byStatus: this.#byStatus,
      leaks: this.#leaks,
      unanswered: this.#unanswered,
    };
  }
}

/** The sum of several. */
export function summed(all: readonly Figures[]): Figures {
  const byKind: Record<string, number> = {};
  const byStatus: Record<string, number> = {};
  for (const figures of all) {
    for (const [key, count] of Object.entries(figures.byKind)) add(byKind, key, count);
    for (const [key, count] of Object.entries(figures.byStatus)) add(byStatus, key, count);
  }
  return {
    requests: all.reduce((sum, { requests }) => sum + requests, 0),
    byKind,
    byStatus,
    leaks: all.flatMap(({ leaks }) => leaks),
    unanswered: all.flatMap(({ unanswered }) => unanswered),
  };
}
