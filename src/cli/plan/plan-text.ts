import type { OfferingRow } from '../../placement/explanation.ts';
import { columns } from '../columns.ts';
import type { WorkloadPlan } from './plan.ts';

function usd(pricePerHourUsd: number): string {
  return pricePerHourUsd.toFixed(4);
}

function priceOf({ pricePerHourUsd, isPriceEstimated }: OfferingRow): string {
  return `$${usd(pricePerHourUsd)}/h${isPriceEstimated === true ? ' estimated' : ''}`;
}

function sizeOf(list: Readonly<Record<string, string>> | undefined): string {
  const shown = Object.entries(list ?? {}).filter(([name, amount]) => name !== 'ephemeral-storage' && amount !== '0');
  return shown.length === 0 ? 'nothing' : shown.map(([name, amount]) => `${amount} ${name}`).join(', ');
}

function nameOf({ kind, namespace, name }: WorkloadPlan): string {
  return `${kind} ${namespace}/${name}`;
}

/** How many wait, and why: the code of the first one's error. */
function waitingOf({ place, placed, replicas, refused }: WorkloadPlan): string {
  if (place === 'refused' || refused === undefined) return '';
  return `${replicas - placed} of ${replicas} wait: ${refused}`;
}

function podsOf({ place, placed, replicas }: WorkloadPlan): string {
  const isOurs = place === 'cell' || place === 'node-cell' || place === 'refused';
  return `${isOurs ? placed : '-'}/${replicas}`;
}

function summaryRow(plan: WorkloadPlan): readonly string[] {
  const { chosen, cellClass = '' } = plan.explanation ?? {};
  const verdict = plan.place === 'cell' ? (chosen?.instanceType ?? '') : plan.place;
  const { zones = [chosen?.zone] } = plan;
  const how = chosen === undefined ? '' : [...new Set([chosen.launchType, zones.join(' or ')])].join(', ');
  const price = usd(plan.pricePerHourUsd);
  return [nameOf(plan), podsOf(plan), `${plan.cells}`, cellClass, verdict, how, price, waitingOf(plan)];
}

/** Candidates that are shown; JSON has more. */
const SHOWN = 5;

function candidateRows(candidates: readonly OfferingRow[]): readonly string[] {
  const rows = candidates.map((candidate, index) => [
    index === 0 ? '  *' : '   ',
    candidate.instanceType,
    candidate.launchType,
    candidate.zone,
    candidate.arch,
    sizeOf(candidate.allocatable),
    priceOf(candidate),
  ]);
  return columns(rows);
}

function details(plan: WorkloadPlan): readonly string[] {
  const { explanation, request, why, decision, warnings } = plan;
  const told = warnings.map((warning) => `  warning: ${warning}`);
  const routed = [...(decision === undefined ? [] : [`  routed ${decision}`]), ...told];
  if (explanation === undefined) return ['', nameOf(plan), ...routed, `  ${why}`];
  const { need, constraints, candidates, candidateCount, exclusions } = explanation;
  const shown = candidates.slice(0, SHOWN);
  const more = candidateCount - shown.length;
  return [
    '',
    nameOf(plan),
    ...routed,
    `  ${why}`,
    `  requests ${sizeOf(request)}; its cell must have ${sizeOf(need)}`,
    ...(constraints.length === 0 ? [] : [`  asks for ${constraints.join('; ')}`]),
    ...candidateRows(shown),
    ...(more > 0 ? [`    and ${more} more`] : []),
    ...exclusions.map(({ count, meaning }) => `  left out: ${count} ${meaning}`),
  ];
}

const HEADER = ['WORKLOAD', 'PODS', 'CELLS', 'CLASS', 'OFFERING', 'HOW', 'USD/H', ''];

/** The plans for people: a table of all, then each one's candidates and what was left out. */
export function planText(plans: readonly WorkloadPlan[]): string {
  const total = plans.reduce((sum, { pricePerHourUsd }) => sum + pricePerHourUsd, 0);
  const cells = plans.reduce((sum, plan) => sum + plan.cells, 0);
  const lines = [
    ...columns([HEADER, ...plans.map(summaryRow)]),
    `${cells} ${cells === 1 ? 'cell' : 'cells'}, $${usd(total)}/h`,
    ...plans.flatMap(details),
  ];
  return `${lines.join('\n')}\n`;
}
