import { randomBytes } from 'node:crypto';
import PQueue from 'p-queue';
import type { Logger } from 'pino';
import type { Clock } from '../core/clock.ts';
import { kubeTime } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { call } from './calls.ts';
import type { KubeClient } from './client.ts';
import type { KubeObject } from './objects.ts';

export interface EventOptions {
  readonly client: KubeClient;
  /** Shown as the event's source, with the virtual node as its host. */
  readonly component: string;
  readonly host: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Events that wait to be written; beyond it new ones are dropped, since they only inform. */
const MAX_WAITING = 10_000;
const CONCURRENCY = 4;
/** A kubelet's own limit by default, 50 events a second: in a burst of pods they must not compete with the pods' writes. */
const WINDOW = { interval: 2_000, intervalCap: 100 };

/** Writes Kubernetes events about objects, in the background and in order of the calls. */
export class EventRecorder {
  readonly #options: EventOptions;
  readonly #queue = new PQueue({ concurrency: CONCURRENCY, ...WINDOW });

  constructor(options: EventOptions) {
    this.#options = options;
  }

  normal(object: KubeObject, reason: string, message: string): void {
    this.#record('Normal', object, reason, message);
  }

  warning(object: KubeObject, reason: string, message: string): void {
    this.#record('Warning', object, reason, message);
  }

  /** Resolves when all that was recorded is written or given up. */
  async flush(): Promise<void> {
    await this.#queue.onIdle();
  }

  #record(type: 'Normal' | 'Warning', object: KubeObject, reason: string, message: string): void {
    const { client, component, host, clock, logger } = this.#options;
    if (this.#queue.size > MAX_WAITING) return;
    const { name, namespace = 'default', uid, resourceVersion } = object.metadata;
    const time = kubeTime(clock.now());
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
    void this.#queue.add(async () => {
      await call(client, { method: 'POST', path: `/api/v1/namespaces/${namespace}/events`, body: event }).catch(
        (error) => logger.debug({ reason: messageOf(error), event: reason }, 'event was not written'),
      );
    });
  }
}
