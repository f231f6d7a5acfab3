import { z } from 'zod';

/** What AWS says is about to befall machines, as one message of the queue has it. */
export interface Warning {
  readonly instanceIds: readonly string[];
  /** `ends`: it ends, at `endsAtMs`. `at-risk`: it may end soon. `changed`: its state is another, which EC2 tells when asked. */
  readonly kind: 'ends' | 'at-risk' | 'changed';
  readonly endsAtMs?: number;
  /** In words. */
  readonly reason: string;
}

/** Source: "Spot Instance interruption notices" of the EC2 User Guide. */
export const SPOT_NOTICE_MS = 120_000;

const envelope = z.object({ 'detail-type': z.string(), time: z.iso.datetime(), detail: z.unknown() });
const instance = z.object({ 'instance-id': z.string() });
const health = z.object({
  service: z.literal('EC2'),
  eventTypeCategory: z.literal('scheduledChange'),
  eventTypeCode: z.string(),
  startTime: z.string().optional(),
  affectedEntities: z.array(z.object({ entityValue: z.string() })).default([]),
});

/** How each kind of event is read that the rules of deploy/iam send to the queue. */
const READERS: Readonly<Record<string, (detail: unknown, atMs: number) => Warning | undefined>> = {
  'EC2 Spot Instance Interruption Warning': (detail, atMs) => {
    const read = instance.safeParse(detail);
    if (!read.success) return undefined;
    const reason = 'EC2 takes the spot machine back';
    return { instanceIds: [read.data['instance-id']], kind: 'ends', endsAtMs: atMs + SPOT_NOTICE_MS, reason };
  },
  'EC2 Instance Rebalance Recommendation': (detail) => {
    const read = instance.safeParse(detail);
    if (!read.success) return undefined;
    return {
      instanceIds: [read.data['instance-id']],
      kind: 'at-risk',
      reason: 'EC2 may soon take the spot machine back',
    };
  },
  'EC2 Instance State-change Notification': (detail) => {
    const read = instance.safeParse(detail);
    if (!read.success) return undefined;
    return { instanceIds: [read.data['instance-id']], kind: 'changed', reason: 'EC2 says that its state is another' };
  },
  'AWS Health Event': (detail) => {
    const read = health.safeParse(detail);
    if (!read.success) return undefined;
    const { eventTypeCode, startTime = '', affectedEntities } = read.data;
    const endsAtMs = Date.parse(startTime);
    const instanceIds = affectedEntities.map(({ entityValue }) => entityValue);
    return {
      instanceIds,
      kind: 'ends',
      ...(endsAtMs > 0 ? { endsAtMs } : {}),
      reason: `AWS has scheduled ${eventTypeCode} for it`,
    };
  },
};

/** Reads a message; undefined for what is none of those that are known, or says too little. */
export function warningOf(body: string): Warning | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return undefined;
  }
  const read = envelope.safeParse(parsed);
  if (!read.success) return undefined;
  const { 'detail-type': type, time, detail } = read.data;
  return Object.hasOwn(READERS, type) ? READERS[type]?.(detail, Date.parse(time)) : undefined;
}
