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

function summaryRow(plan: WorkloadPlan): readonly string[] {
  const { chosen, cellClass = '' } = plan.explanation ?? {};
  const verdict = plan.place === 'cell' ? (chosen?.instanceType ?? plan.refused ?? '') : plan.place;
  const { zones = [chosen?.zone] } = plan;
  const how = chosen === undefined ? '' : `${chosen.launchType}, ${zones.join(' or ')}`;
  return [nameOf(plan), `${plan.cells}/${plan.replicas}`, cellClass, verdict, how, usd(plan.pricePerHourUsd)];
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
  const { explanation, request, why, decision } = plan;
  const routed = decision === undefined ? [] : [`  routed ${decision}`];
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

/** The plans for people: a table of all, then each one's candidates and what was left out. */
export function planText(plans: readonly WorkloadPlan[]): string {
  const total = plans.reduce((sum, { pricePerHourUsd }) => sum + pricePerHourUsd, 0);
  const cells = plans.reduce((sum, plan) => sum + plan.cells, 0);
  const lines = [
    ...columns([['WORKLOAD', 'CELLS', 'CLASS', 'OFFERING', 'HOW', 'USD/H'], ...plans.map(summaryRow)]),
    `${cells} cells, $${usd(total)}/h`,
    ...plans.flatMap(details),
  ];
  return `${lines.join('\n')}\n`;
}
