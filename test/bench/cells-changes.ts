import { setTimeout as delay } from 'node:timers/promises';
import { isNodelessError } from '../../src/core/errors.ts';
import { call } from '../../src/kube/calls.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { endpointsOf, podPath, SERVICES, slicePath } from './cells-ground.ts';
import { Arrivals, MARK_ANNOTATION, MarkScanner, machineMs } from './hollow/marks.ts';

/** When each mark was sent, in milliseconds of the machine's clock. */
export type Sent = ReadonlyMap<string, number>;
export type Seen = Readonly<Record<string, readonly number[]>>;

/** How a kind of change was delivered, in milliseconds from the request that made it. */
export interface Delivery {
  /** To each watch. */
  readonly each: readonly number[];
  /** To the last of all watches, for each change that reached them all. */
  readonly last: readonly number[];
  /** Changes that did not reach all of the watches. */
  readonly incomplete: number;
}

/** Pure: what became of the changes whose marks begin with `kind`. */
export function deliveryOf(kind: string, sent: Sent, seen: Seen, watches: number): Delivery {
  const each: number[] = [];
  const last: number[] = [];
  let incomplete = 0;
  for (const [mark, sentMs] of sent) {
    if (!mark.startsWith(`${kind}-`)) continue;
    const delays = (seen[mark] ?? []).map((seenMs) => seenMs - sentMs);
    each.push(...delays);
    // A watch that began anew may have told of it twice.
    if (delays.length >= watches) last.push(Math.max(...delays));
    else incomplete += 1;
  }
  return { each, last, incomplete };
}

/** Pure: what was seen by two looks, one after the other. */
export function together(first: Seen, second: Seen): Seen {
  const marks = Object.entries(second).map(([mark, times]) => [mark, [...(first[mark] ?? []), ...times]] as const);
  return { ...first, ...Object.fromEntries(marks) };
}

/** Pure: at most so many of the values, evenly from the least to the greatest, so that every quantile stays. */
export function evenly(values: readonly number[], count: number): readonly number[] {
  if (values.length <= count) return values;
  const sorted = values.toSorted((a, b) => a - b);
  return Array.from({ length: count }, (_, i) => sorted[Math.round((i * (sorted.length - 1)) / (count - 1))] ?? 0);
}

export interface ChangeRates {
  readonly slicesPerSecond: number;
  readonly podsPerSecond: number;
}

const CONTENT_TYPE = 'application/merge-patch+json';

/** Makes marked changes at the API server, evenly spread. No two are alike, or they would be no changes. */
export class Changes {
  readonly #client: KubeClient;
  readonly #signal: AbortSignal;
  #count = 0;

  constructor(client: KubeClient, signal: AbortSignal) {
    this.#client = client;
    this.#signal = signal;
  }

  /** Goes on for so long; resolves with what was sent when all of it is answered. */
  async make(
    { slicesPerSecond, podsPerSecond }: ChangeRates,
    podNames: readonly string[],
    forMs: number,
  ): Promise<Sent> {
    const sent = new Map<string, number>();
    await Promise.all([
      this.#repeat(slicesPerSecond, forMs, (count) => {
        const index = (count * 7) % SERVICES;
        return this.#patch(slicePath(index), `slice-${count}`, { endpoints: endpointsOf(index, count) }, sent);
      }),
      this.#repeat(podsPerSecond, forMs, (count) => {
        const name = podNames[(count * 7) % podNames.length] ?? '';
        return this.#patch(podPath(name), `pod-${count}`, {}, sent);
      }),
    ]);
    return sent;
  }

  async #repeat(perSecond: number, forMs: number, change: (count: number) => Promise<void>): Promise<void> {
    const startedMs = machineMs();
    const made: Promise<void>[] = [];
    for (let i = 0; i < (forMs / 1000) * perSecond; i += 1) {
      const waitMs = startedMs + (i * 1000) / perSecond - machineMs();
      if (waitMs > 0) await delay(waitMs, undefined, { signal: this.#signal });
      this.#count += 1;
      made.push(change(this.#count));
    }
    await Promise.all(made);
  }

  async #patch(path: string, mark: string, change: object, sent: Map<string, number>): Promise<void> {
    const body = { metadata: { annotations: { [MARK_ANNOTATION]: mark } }, ...change };
    sent.set(mark, machineMs());
    const signal = this.#signal;
    // One that the API server did not take stays among the sent, and so counts as missed.
    await call(this.#client, { method: 'PATCH', path, contentType: CONTENT_TYPE, body, signal }).catch((error) => {
      if (!isNodelessError(error)) throw error;
    });
  }
}

/** A watch of this process on the API server itself: what any node would see. Resolves once it is open. */
export async function watchDirectly(client: KubeClient, path: string, signal: AbortSignal): Promise<Arrivals> {
  const arrivals = new Arrivals();
  const { status, body } = await client.stream({
    method: 'GET',
    path,
    query: { watch: 'true', resourceVersion: '0' },
    signal,
  });
  if (status !== 200) throw new Error(`the API server answered a watch of ${path} with ${status}`);
  const scanner = new MarkScanner((mark) => arrivals.add(mark));
  body.on('data', (chunk: Buffer) => scanner.take(chunk));
  return arrivals;
}
