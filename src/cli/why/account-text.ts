import { columns } from '../columns.ts';
import type { Account, Happening, Stage } from './account.ts';

function where({ node }: Account): string {
  return node === undefined ? 'on no node yet: the scheduler has not bound it' : `on node ${node}`;
}

const STATES: Readonly<Record<NonNullable<Account['state']>['is'], (reason: string) => string>> = {
  'handed over': () => 'handed to its cell',
  waiting: (reason) => `waits, ${reason}`,
  absorbed: () => 'is reported Ready and runs nowhere',
  injected: () => 'is in every cell',
  lost: () => 'has lost its cell',
};

function stateLine({ state, node }: Account): readonly string[] {
  if (state === undefined)
    return node === undefined ? [] : ['cell       none was asked for: it is not Nodeless that runs it'];
  const what = STATES[state.is](state.reason);
  return [`state      ${what} since ${state.since}: ${state.message}`];
}

function cellLines({ cell }: Account): readonly string[] {
  if (cell === undefined) return [];
  if (!cell.exists) return [`cell       ${cell.id}, which has no Cell object any more`];
  const { id, instanceType, launchType, zone, phase, pricePerHourUsd, reason } = cell;
  const because = reason === undefined ? '' : ` (${reason})`;
  return [`cell       ${id}: ${instanceType} (${launchType}) in ${zone}, $${pricePerHourUsd}/h, ${phase}${because}`];
}

function stageLines(stages: readonly Stage[], isThere: boolean): readonly string[] {
  if (stages.length === 0) return [];
  const rows = stages.map(({ phase, at, seconds }) => [
    `  ${phase}`,
    at,
    seconds === undefined ? (isThere ? 'now' : '') : `${seconds.toFixed(3)} s`,
  ]);
  return ['', 'Stages of its cell', ...columns(rows)];
}

function happeningLines(happenings: readonly Happening[]): readonly string[] {
  if (happenings.length === 0) return ['', 'No events are left; a cluster keeps them for an hour.'];
  const rows = happenings.map(({ at, type, reason, message, count }) => [
    `  ${at}`,
    type === 'Warning' ? '!' : ' ',
    count > 1 ? `${reason} ×${count}` : reason,
    message,
  ]);
  return ['', 'What happened', ...columns(rows)];
}

/** The account for people. */
export function accountText(account: Account): string {
  const { pod, phase, decision, choice, attempt = 0, pool, cell, stages, happenings } = account;
  const chosen = choice && [`choice     ${choice.why}`, `class      ${choice.cellClass}`];
  const lines = [
    `${pod} is ${phase}, ${where(account)}`,
    `decision   ${decision ?? 'none is written on it: routing leaves it untouched, or was not asked about it'}`,
    ...stateLine(account),
    ...(chosen ?? []),
    ...(pool === undefined ? [] : [`start      warm: its cell had waited in pool ${pool}`]),
    ...(attempt > 1 ? [`attempt    this is attempt ${attempt}`] : []),
    ...cellLines(account),
    ...stageLines(stages, cell?.exists === true),
    ...happeningLines(happenings),
  ];
  return `${lines.join('\n')}\n`;
}
