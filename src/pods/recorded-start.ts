import { z } from 'zod';
import { kubeMicroTime } from '../core/clock.ts';
import { shapedJson } from '../core/json-text.ts';
import { START_ANNOTATION } from '../core/names.ts';
import type { WirePod } from '../kube/wire-pod.ts';
import { recordedChoice } from './recorded-choice.ts';

const schema = z.object({
  /** How many places on cells the pod was given, this one included. */
  attempt: z.int().min(1),
  /** When its cell entered each phase until the pod was handed to it; RFC 3339. */
  phases: z.record(z.string(), z.iso.datetime()).default({}),
  /** The pool that its cell waited in; absent after a cold start. */
  pool: z.string().optional(),
});

/** What is written down of how a pod came to its cell, for when its Cell object is gone. */
export type RecordedStart = z.output<typeof schema>;

/** What a pod's annotation says of its start; undefined when it says nothing that can be read. */
export function recordedStart({ metadata }: Pick<WirePod, 'metadata'>): RecordedStart | undefined {
  return shapedJson(schema, metadata.annotations?.[START_ANNOTATION] ?? '');
}

/** How many places the pod was given until now. */
export function attemptsOf(pod: Pick<WirePod, 'metadata'>): number {
  return recordedStart(pod)?.attempt ?? recordedChoice(pod)?.attempt ?? 0;
}

/** The record of a pod that is handed to a cell, of a pool or not; `isNews` where the pod says of no cell yet that it is its. */
export function startOf(
  pod: WirePod,
  enteredMs: Readonly<Partial<Record<string, number>>>,
  { isNews, ...from }: { readonly isNews: boolean; readonly pool?: string },
): RecordedStart {
  const phases = Object.entries(enteredMs).map(([phase, ms = 0]) => [phase, kubeMicroTime(ms)]);
  const attempt = Math.max(1, attemptsOf(pod) + (isNews ? 1 : 0));
  return { attempt, phases: Object.fromEntries(phases), ...from };
}
