/** What is known of a pod whose machine is about to end. */
export interface NoticedPod {
  /** It is deleted, or has finished. */
  readonly isGoing: boolean;
  /** Its controller makes another in its place. */
  readonly hasReplacer: boolean;
  /** The cell that waits for that one; `impossible` where none can be kept for a pod. */
  readonly reserve: 'none' | 'coming' | 'ready' | 'impossible';
}

/** How much time there is; without an end, as much as it takes. */
export interface Notice {
  readonly nowMs: number;
  readonly endsAtMs?: number | undefined;
}

/** The next thing to do for a pod: `evict` as far as its disruption budget allows, `end` in any case. */
export type NoticeStep = 'nothing' | 'wait' | 'reserve' | 'evict' | 'end';

/** So long before its machine ends a pod has to begin to: what it does in its last seconds is lost otherwise. */
export const LAST_MS = 20_000;

/**
 * What to do next for a pod whose machine is about to end. Who is replaced goes when the cell for its successor is Ready; what
 * nobody would do again goes on for as long as it can.
 */
export function decideNotice({ isGoing, hasReplacer, reserve }: NoticedPod, { nowMs, endsAtMs }: Notice): NoticeStep {
  if (isGoing) return 'nothing';
  if (endsAtMs !== undefined && nowMs >= endsAtMs - LAST_MS) return 'end';
  if (!hasReplacer) return 'wait';
  switch (reserve) {
    case 'none':
      return 'reserve';
    case 'coming':
      return 'wait';
    case 'ready':
    case 'impossible':
      return 'evict';
  }
}
