import { randomBytes } from 'node:crypto';
import PQueue from 'p-queue';
import type { Logger } from 'pino';
import type { Clock } from '../core/clock.ts';
import { kubeTime } from '../core/clock.ts';
import { isNodelessError, messageOf } from '../core/errors.ts';
import { call } from './calls.ts';
import type { KubeClient } from './client.ts';
import type { KubeObject } from './objects.ts';

/** An event as its recorder was told it. */
export interface RecordedEvent {
  /** `namespace/name` of what it is about. */
  readonly object: string;
  readonly atMs: number;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

export interface EventOptions {
  readonly client: KubeClient;
  /** Shown as the event's source, with the virtual node as its host. */
  readonly component: string;
  readonly host: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told of each event, whether it can be written or not. */
  readonly onRecorded?: (event: RecordedEvent) => void;
}

/** Events that wait to be written; beyond it new ones are dropped, since they only inform: normal ones first. */
const MAX_WAITING = { Normal: 10_000, Warning: 12_000 };
const PRIORITY = { Normal: 0, Warning: 1 };
const CONCURRENCY = 4;
/** A kubelet's own limit by default, 50 events a second: in a burst of pods they must not compete with the pods' writes. */
const WINDOW = { interval: 2_000, intervalCap: 100 };

/**
 * Writes Kubernetes events about objects, in the background: warnings first, else in order of the calls.
 * What waits when the signal aborts is not written any more.
 */
export class EventRecorder {
  readonly #options: EventOptions;
  readonly #signal: AbortSignal;
  readonly #queue = new PQueue({ concurrency: CONCURRENCY, ...WINDOW });
  /** Dropped or given up since it was last told. */
  #lost = 0;

  constructor(options: EventOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#queue.clear(), { once: true });
  }

  normal(object: KubeObject, reason: string, message: string): void {
    this.#record('Normal', object, reason, message);
  }

  warning(object: KubeObject, reason: string, message: string): void {
    this.#record('Warning', object, reason, message);
  }

  #record(type: 'Normal' | 'Warning', object: KubeObject, reason: string, message: string): void {
    const { component, host, clock, onRecorded } = this.#options;
    if (this.#signal.aborted) return;
    const { name, namespace = 'default', uid, resourceVersion } = object.metadata;
    const atMs = clock.now();
    onRecorded?.({ object: `${namespace}/${name}`, atMs, type, reason, message });
    if (this.#queue.size >= MAX_WAITING[type]) {
      this.#lost += 1;
      return;
    }
    const time = kubeTime(atMs);
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${name}.${randomBytes(8).toString('hex')}`, namespace },
      involvedObject: {
        apiVersion: object.apiVersion ?? 'v1',
        kind: object.kind,
        name,
        namespace,
        uid,
        resourceVersion,
      },
      type,
      reason,
      message: message.slice(0, 1024),
      source: { component, host },
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
    };
    const path = `/api/v1/namespaces/${namespace}/events`;
    void this.#queue.add(() => this.#write(path, event), { priority: PRIORITY[type] });
  }

  async #write(path: string, event: { readonly reason: string }): Promise<void> {
    const { client, logger } = this.#options;
    try {
      await call(client, { method: 'POST', path, body: event, signal: this.#signal });
      if (this.#queue.size === 0) this.#tellLost();
    } catch (error) {
      if (this.#signal.aborted) return;
      if (isNodelessError(error) && error.retryable) this.#lost += 1;
      logger.debug({ reason: messageOf(error), event: event.reason }, 'event was not written');
    }
  }

  /** Once for an outage: when events are written again, and none waits. */
  #tellLost(): void {
    if (this.#lost > 0) this.#options.logger.warn({ events: this.#lost }, 'events were not written');
    this.#lost = 0;
  }
}
