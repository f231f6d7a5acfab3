import { z } from 'zod';
import { shapedJson } from '../core/json-text.ts';
import { CHOICE_ANNOTATION } from '../core/names.ts';
import { resourceListOf } from '../core/resources.ts';
import type { WirePod } from '../kube/wire-pod.ts';
import type { Choice } from '../placement/placement.ts';

const schema = z.object({
  /** How many places on cells the pod was given, this one included. */
  attempt: z.int().min(1),
  cellClass: z.string(),
  need: z.record(z.string(), z.string()),
  instanceType: z.string(),
  launchType: z.string(),
  zone: z.string(),
  pricePerHourUsd: z.number(),
  why: z.string(),
});

/** What is written down of a pod's choice in its annotation, for when the events are gone. */
export type RecordedChoice = z.output<typeof schema>;

/** What a pod's annotation says of its choice; undefined when it says nothing that can be read. */
export function recordedChoice(pod: Pick<WirePod, 'metadata'>): RecordedChoice | undefined {
  return shapedJson(schema, pod.metadata.annotations?.[CHOICE_ANNOTATION] ?? '');
}

/** The record of a choice for a pod, which may have had others before. */
export function recordOf({ offering, cellClass, need, why }: Choice, attempt: number): RecordedChoice {
  const { instanceType, launchType, zone, pricePerHourUsd } = offering;
  return {
    attempt,
    cellClass: cellClass.name,
    need: resourceListOf(need),
    instanceType,
    launchType,
    zone,
    pricePerHourUsd,
    why,
  };
}
