import type { Logger } from 'pino';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { SelectableNode } from '../core/node-selection.ts';
import type { EventRecorder } from '../kube/events.ts';
import type { WirePod } from '../kube/wire-pod.ts';
import { type Exhaustion, nextExhaustion } from '../placement/exhaustion.ts';
import type { Experience } from '../placement/experience.ts';
import type { Placement } from '../placement/placement.ts';
import type { NodePods } from './node-pods.ts';
import { isRefused, reschedulingOf } from './rescheduling.ts';
import type { PodWriter } from './status.ts';

/** The mark on a virtual node that keeps new pods off it; undefined while the Node is not known. */
export interface ExhaustionMark {
  isSet(): boolean | undefined;
  /** Sets it or takes it away; it is asked for again while `isSet` says otherwise. */
  set(exhausted: boolean, signal: AbortSignal): Promise<void>;
}

export interface ZoneWatchOptions {
  readonly zone: string;
  readonly pods: NodePods;
  /** Uids of the pods that wait for a cell. */
  readonly waiting: () => Iterable<string>;
  readonly placement: Pick<Placement, 'stock'>;
  readonly experience: Pick<Experience, 'lastLaunchMs'>;
  readonly mark: ExhaustionMark;
  /** Agents without a pod here that do not tolerate the mark, so that none is made for them while it is set. */
  readonly shutOut: () => readonly string[];
  /** The virtual nodes of other zones that take pods now. */
  readonly elsewhere: () => readonly SelectableNode[];
  readonly writer: Pick<PodWriter, 'delete'>;
  readonly events: Pick<EventRecorder, 'normal' | 'warning'>;
  /** Called for each pod that is sent elsewhere. */
  readonly onRescheduled: () => void;
  readonly rescheduleAfterMs: number;
  readonly recoverAfterMs: number;
  readonly clock: Clock;
  /** False while another process may lead. */
  readonly mayAct: () => boolean;
  readonly logger: Logger;
}

const TICK_MS = 2_000;
/** How long the mark is off for agents to get their pods; the daemon controller needs less. */
const ASIDE_MS = 10_000;
/** Those of a zone are not all made anew in one moment. */
const MAX_PODS_PER_TICK = 5;

/** Watches whether a zone has capacity: marks its node while it has none, and sends pods elsewhere. Until the signal aborts. */
export async function watchZone(options: ZoneWatchOptions, signal: AbortSignal): Promise<void> {
  const { zone, clock, mayAct, logger } = options;
  const watch = new ZoneWatch(options);
  let failing = false;
  while (!signal.aborted) {
    await clock.sleep(TICK_MS, signal).catch(() => undefined);
    if (signal.aborted || !mayAct()) continue;
    try {
      await watch.look(signal);
      failing = false;
    } catch (error) {
      if (!failing && !signal.aborted)
        logger.warn({ zone, reason: messageOf(error) }, 'what a zone has no capacity for can not be dealt with now');
      failing = true;
    }
  }
}

class ZoneWatch {
  readonly #options: ZoneWatchOptions;
  #state: Exhaustion | undefined;
  /** Since when the mark is off for agents, or was. */
  #asideSinceMs: number | undefined;
  /** Why each pod that stays was told to, by uid. */
  readonly #told = new Map<string, string>();

  constructor(options: ZoneWatchOptions) {
    this.#options = options;
  }

  async look(signal: AbortSignal): Promise<void> {
    const { mark } = this.#options;
    const isMarked = mark.isSet();
    if (isMarked === undefined) return;
    const refused = this.#refused();
    const { exhausted } = await this.#next(isMarked, refused.length, signal);
    const isToBeMarked = exhausted && !this.#stepsAside();
    if (isToBeMarked !== isMarked) await mark.set(isToBeMarked, signal);
    // What the scheduler does not know yet would only come back.
    else if (isToBeMarked) await this.#reschedule(refused, signal);
    for (const uid of this.#told.keys()) if (this.#options.pods.get(uid) === undefined) this.#told.delete(uid);
  }

  /**
   * Whether the mark is off for a moment: an agent that does not tolerate it, and whose pod here was replaced, would be in no cell
   * of the zone, and pods that require it would wait. One that has still none then has to wait itself.
   */
  #stepsAside(): boolean {
    const { zone, shutOut, recoverAfterMs, clock, logger } = this.#options;
    const agents = shutOut();
    const nowMs = clock.now();
    if (agents.length === 0) {
      this.#asideSinceMs = undefined;
      return false;
    }
    const sinceMs = this.#asideSinceMs;
    if (sinceMs !== undefined && nowMs - sinceMs < recoverAfterMs) return nowMs - sinceMs < ASIDE_MS;
    this.#asideSinceMs = nowMs;
    logger.warn(
      { zone, agents },
      'the mark of an exhausted zone is off for a moment: agents that do not tolerate it have no pod',
    );
    return true;
  }

  #refused(): readonly WirePod[] {
    const { waiting, pods } = this.#options;
    return [...waiting()].flatMap((uid) => pods.get(uid) ?? []).filter(isRefused);
  }

  async #next(isMarked: boolean, refused: number, signal: AbortSignal): Promise<Exhaustion> {
    const { zone, placement, experience, recoverAfterMs, clock, logger } = this.#options;
    const nowMs = clock.now();
    // A leader before this one may have marked the node.
    const before = this.#state ?? { exhausted: isMarked, sinceMs: nowMs, holdMs: isMarked ? recoverAfterMs : 0 };
    this.#state = before;
    if (!before.exhausted && refused === 0) return before;
    const sight = { ...(await placement.stock(signal)), nowMs, refused, lastLaunchMs: experience.lastLaunchMs };
    const next = nextExhaustion(before, sight, recoverAfterMs);
    this.#state = next;
    const { offerings, unavailable } = sight;
    const what = next.exhausted ? 'the zone is exhausted: its node gets no new pods' : 'the zone has capacity again';
    if (next.exhausted !== before.exhausted) logger.warn({ zone, refused, offerings, unavailable }, what);
    return next;
  }

  async #reschedule(refused: readonly WirePod[], signal: AbortSignal): Promise<void> {
    const { zone, elsewhere, writer, events, onRescheduled, rescheduleAfterMs: afterMs, clock } = this.#options;
    const rules = { nowMs: clock.now(), afterMs, elsewhere: elsewhere() };
    let left = MAX_PODS_PER_TICK;
    for (const pod of refused) {
      const verdict = reschedulingOf(pod, rules);
      if (verdict?.kind === 'stays') this.#tellStays(pod, verdict.why);
      if (verdict?.kind !== 'reschedule' || left === 0) continue;
      left -= 1;
      // Exclusive: what is about to be given a cell after all has changed.
      if (!(await writer.delete(pod, signal, { exclusive: true }))) continue;
      const message = `zone ${zone} has no capacity: the pod is deleted before it began, and its controller makes another, which is scheduled to another zone`;
      events.normal(pod, 'Rescheduled', message);
      onRescheduled();
    }
  }

  #tellStays(pod: WirePod, why: string): void {
    const { zone, events } = this.#options;
    const { uid = '' } = pod.metadata;
    if (this.#told.get(uid) === why) return;
    this.#told.set(uid, why);
    events.warning(pod, 'NotRescheduled', `zone ${zone} has no capacity, and the pod waits for it: ${why}`);
  }
}
