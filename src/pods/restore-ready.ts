import PQueue from 'p-queue';
import type { Logger } from 'pino';
import type { Cell } from '../cells/cell.ts';
import { type Backoff, createBackoff } from '../core/backoff.ts';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { PodEvidence, ProbeCounts } from '../core/pod-evidence.ts';
import { podName, type WirePod } from '../kube/wire-pod.ts';
import { firstLookOf, judgeReadiness, lookEveryMs, notReadySince } from './readiness.ts';

export interface ReadinessOptions {
  /** What a cell's kubelet tells of a pod now; undefined when it does not answer. */
  readonly evidenceOf: (cell: Cell, podUid: string, signal: AbortSignal) => Promise<PodEvidence | undefined>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What is known of a pod that was marked not Ready. */
interface Look {
  /** When it was marked. */
  readonly since: string;
  readonly silence: Backoff;
  /** What each probe had found when it was first seen. */
  first: ReadonlyMap<string, ProbeCounts>;
  /** Whether its kubelet did not answer last. */
  silent: boolean;
  /** When to ask again. */
  dueMs: number;
  /** When its kubelet's answer proved it ready. */
  provedMs?: number;
}

/** Kubelets that are asked at once. One that does not answer takes 5 s of a place. */
const CONCURRENCY = 8;
/** How soon a kubelet is asked again that did not answer; doubled each time. */
const SILENCE_MS = { min: 5_000, max: 60_000 };
/** By then the kubelet of a pod that is not ready has told so itself. */
const NOT_READY_MS = 60_000;
/** A proof that could not be used for so long, as by a leader that was frozen, counts for nothing. */
const PROOF_HOLDS_MS = 5_000;

/** Asks kubelets, in the background, whether pods that others have made not Ready are ready still; at most once per pod at a time. */
export class Readiness {
  readonly #options: ReadinessOptions;
  readonly #queue = new PQueue({ concurrency: CONCURRENCY });
  readonly #looks = new Map<string, Look>();
  /** Uids of the pods whose kubelets are asked now, or wait for their turn. */
  readonly #asking = new Set<string>();

  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  /** Drops what is known of a pod: it is gone, or was made Ready. */
  forget(uid: string): void {
    this.#looks.delete(uid);
  }

  /**
   * True when the pod's kubelet has just proved it ready, else when to look again, where that is known yet. Asks when it is
   * time to, and calls `answered` when there is an answer to look at.
   */
  look(pod: WirePod, cell: Cell, answered: () => void, signal: AbortSignal): true | { readonly againMs?: number } {
    const uid = pod.metadata.uid ?? '';
    const look = this.#lookAt(uid, notReadySince(pod));
    const nowMs = this.#options.clock.now();
    if (look.provedMs !== undefined && nowMs - look.provedMs <= PROOF_HOLDS_MS) return true;
    if (this.#asking.has(uid)) return {};
    if (look.dueMs > nowMs) return { againMs: look.dueMs - nowMs };
    this.#asking.add(uid);
    const ask = async () => {
      const evidence = await this.#ask(pod, cell, signal);
      this.#asking.delete(uid);
      if (this.#looks.get(uid) === look) this.#take(pod, look, evidence);
      answered();
    };
    // Kubelets that are known to be silent keep no other waiting.
    void this.#queue.add(ask, { priority: look.silent ? 0 : 1 });
    return {};
  }

  #lookAt(uid: string, since: string): Look {
    const known = this.#looks.get(uid);
    if (known?.since === since) return known;
    const silence = createBackoff(SILENCE_MS.min, SILENCE_MS.max);
    const look: Look = { since, silence, first: new Map(), silent: false, dueMs: 0 };
    this.#looks.set(uid, look);
    return look;
  }

  async #ask(pod: WirePod, cell: Cell, signal: AbortSignal): Promise<PodEvidence | undefined> {
    const { evidenceOf, logger } = this.#options;
    if (signal.aborted) return undefined;
    try {
      return await evidenceOf(cell, pod.metadata.uid ?? '', signal);
    } catch (error) {
      logger.warn({ pod: podName(pod), reason: messageOf(error) }, 'readiness can not be judged');
      return undefined;
    }
  }

  #take(pod: WirePod, look: Look, evidence: PodEvidence | undefined): void {
    const nowMs = this.#options.clock.now();
    look.silent = evidence === undefined;
    if (evidence === undefined) {
      look.dueMs = nowMs + look.silence.next();
      return;
    }
    look.silence.reset();
    const verdict = judgeReadiness(pod, look.first, evidence);
    if (verdict === 'ready') look.provedMs = nowMs;
    // What is not Ready is left to its kubelet, which tells within a minute; if it does not, the probes begin anew here.
    look.first = verdict === 'notReady' ? evidence.probes : firstLookOf(look.first, evidence.probes);
    look.dueMs = nowMs + (verdict === 'notReady' ? NOT_READY_MS : lookEveryMs(pod));
  }
}
