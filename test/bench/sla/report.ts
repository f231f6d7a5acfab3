import { markdownTable } from '../markdown-table.ts';
import { SLA } from './contest.ts';
import type { Interval } from './scoring.ts';
import type { TraceKind } from './traces.ts';

/** An aim, and whether it is met. */
export interface Judged {
  readonly value: number;
  readonly confidence: Interval;
  readonly atMost?: number;
  readonly met?: boolean;
}

/** What came out on one trace. */
export interface TraceResult {
  readonly trace: string;
  readonly seed: number;
  readonly kind: TraceKind | 'given';
  /** Neither its generator nor its seed was tuned with. */
  readonly heldOut: string;
  readonly pods: number;
  readonly days: number;
  readonly attainment: Judged;
  readonly overFixed: Judged;
  readonly overFixedAtSameShare: number;
  readonly overKnown?: Judged;
  /** Over one that also knows how a random rate will change; reported, no aim. */
  readonly overForeseeing?: number;
  readonly clairvoyantUsd: number;
  readonly policies: readonly Readonly<Record<string, unknown>>[];
}

/** Where the aims for overhead are, by the kind of trace. */
const OVER_FIXED: Readonly<Record<TraceResult['kind'], number | undefined>> = {
  stationary: 1.05,
  seasonal: 0.7,
  bursty: undefined,
  unforeseen: undefined,
  given: undefined,
};
const OVER_KNOWN = 1.25;
const POINT = 0.01;

function judged(value: number, confidence: Interval, atMost: number | undefined): Judged {
  return { value, confidence, ...(atMost === undefined ? {} : { atMost, met: value <= atMost }) };
}

export function judgeAttainment(kind: TraceResult['kind'], value: number, confidence: Interval): Judged {
  return { value, confidence, ...(kind === 'unforeseen' ? {} : { met: Math.abs(value - SLA.percentile) <= POINT }) };
}

export function judgeOverFixed(kind: TraceResult['kind'], value: number, confidence: Interval): Judged {
  return judged(value, confidence, OVER_FIXED[kind]);
}

export function judgeOverKnown(kind: TraceResult['kind'], value: number, confidence: Interval): Judged {
  return judged(value, confidence, kind === 'unforeseen' ? undefined : OVER_KNOWN);
}

function verdict(of: Judged | undefined): string {
  return of?.met === undefined ? '' : of.met ? ' met' : ' **missed**';
}

function ratio(of: Judged | undefined): string {
  if (of === undefined) return '–';
  const [low, high] = of.confidence.map((value) => value.toFixed(2));
  return `${of.value.toFixed(2)} (${low} … ${high})${verdict(of)}`;
}

function percent(share: number): string {
  return (share * 100).toFixed(1);
}

/** The results as a Markdown table, a row for each trace and seed. */
export function markdownOf(results: readonly TraceResult[]): string {
  const headings = [
    'trace',
    'seed',
    'held out',
    'pods',
    'in time, %',
    'worst hour, %',
    '/ best fixed',
    '/ fixed at same share',
    '/ known process at same share',
  ];
  const rows = results.map((result) => {
    const [low, high] = result.attainment.confidence.map(percent);
    const worst = result.policies[0]?.worstHour as { attainment: number } | undefined;
    return [
      result.trace,
      String(result.seed),
      result.heldOut,
      String(result.pods),
      `${percent(result.attainment.value)} (${low} … ${high})${verdict(result.attainment)}`,
      worst === undefined ? '–' : percent(worst.attainment),
      ratio(result.overFixed),
      result.overFixedAtSameShare.toFixed(2),
      ratio(result.overKnown),
    ];
  });
  return markdownTable(headings, rows);
}
