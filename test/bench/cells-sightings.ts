import { systemClock } from '../../src/core/clock.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { runListWatch } from '../../src/kube/list-watch.ts';
import type { KubeObject } from '../../src/kube/objects.ts';
import { createLogger } from '../../src/telemetry/logger.ts';

/** What is seen of a pod's start from the API server, in the order in which it happens. */
export const SIGHTS = [
  'bound',
  'annotated',
  'handedOver',
  'firstStatus',
  'sandboxUp',
  'containerStarted',
  'ready',
] as const;
export type Sight = (typeof SIGHTS)[number];

/** When each thing was first seen, in milliseconds since the epoch. */
export type Sightings = Partial<Record<Sight, number>>;

interface ObservedPod extends KubeObject {
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly startTime?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

interface ObservedEvent extends KubeObject {
  readonly reason: string;
  readonly involvedObject: { readonly name: string };
}

const CELL_ANNOTATION = 'nodeless.io/cell';

/** Pure: what a pod's object shows. */
function sightsOf({ metadata, spec, status }: ObservedPod): readonly Sight[] {
  const holds = (type: string) => status.conditions?.some((c) => c.type === type && c.status === 'True') === true;
  const sights: readonly (readonly [Sight, boolean])[] = [
    ['bound', spec.nodeName !== undefined],
    ['annotated', metadata.annotations?.[CELL_ANNOTATION] !== undefined],
    ['handedOver', holds('nodeless.io/CellReady')],
    ['firstStatus', status.startTime !== undefined],
    ['ready', holds('Ready')],
  ];
  return sights.filter(([, seen]) => seen).map(([sight]) => sight);
}

/** A kubelet looks for the image once the pod's sandbox is up. */
const EVENT_SIGHTS: Readonly<Record<string, Sight>> = { Pulled: 'sandboxUp', Started: 'containerStarted' };

/** Sees pods start, by two watches on the API server. */
export class PodWatcher {
  readonly #pods = new Map<string, Sightings>();
  readonly #cells = new Map<string, string>();
  readonly #waiting = new Set<() => void>();

  /** Follows the pods and events of a namespace until the signal aborts. */
  start(client: KubeClient, namespace: string, signal: AbortSignal): void {
    const follow = (resource: string, take: (object: KubeObject) => void) => {
      const path = `/api/v1/namespaces/${namespace}/${resource}`;
      const sink = {
        replace: (items: readonly KubeObject[]) => items.forEach(take),
        apply: (_type: string, object: KubeObject) => take(object),
        bookmark: () => undefined,
      };
      void runListWatch({ client, path, sink, clock: systemClock, logger: createLogger('warn') }, signal);
    };
    follow('pods', (object) => this.#takePod(object as ObservedPod));
    follow('events', (object) => this.#takeEvent(object as ObservedEvent));
  }

  /** The cell that a pod was given. */
  cellOf(pod: string): string {
    return this.#cells.get(pod) ?? '';
  }

  /** Waits until a pod has shown all of these. @throws Error at the deadline */
  async seen(pod: string, sights: readonly Sight[], timeoutMs: number): Promise<Required<Sightings>> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const sightings = this.#pods.get(pod) ?? {};
      const missing = sights.filter((sight) => sightings[sight] === undefined);
      if (missing.length === 0) return { ...sightings } as Required<Sightings>;
      if (Date.now() > deadline) throw new Error(`pod ${pod} was not seen ${missing.join(', ')} in time`);
      await this.#change(deadline - Date.now());
    }
  }

  async #change(timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(settle, Math.max(0, timeoutMs));
      const waiting = this.#waiting;
      function settle(): void {
        clearTimeout(timer);
        waiting.delete(settle);
        resolve();
      }
      waiting.add(settle);
    });
  }

  #takePod(pod: ObservedPod): void {
    const { name, annotations } = pod.metadata;
    const cell = annotations?.[CELL_ANNOTATION];
    if (cell !== undefined) this.#cells.set(name, cell);
    for (const sight of sightsOf(pod)) this.#note(name, sight);
  }

  #takeEvent({ reason, involvedObject }: ObservedEvent): void {
    const sight = EVENT_SIGHTS[reason];
    if (sight !== undefined) this.#note(involvedObject.name, sight);
  }

  #note(pod: string, sight: Sight): void {
    const sightings = this.#pods.get(pod) ?? {};
    sightings[sight] ??= Date.now();
    this.#pods.set(pod, sightings);
    for (const settle of [...this.#waiting]) settle();
  }
}
