import { isDeepStrictEqual } from 'node:util';
import { INJECTED } from '../core/agent-record.ts';
import { kubeTime } from '../core/clock.ts';
import { CELL_READY_CONDITION } from '../core/names.ts';
import { hasCondition } from '../kube/objects.ts';
import type { WirePod } from '../kube/wire-pod.ts';
import type { Telling, Trouble } from './telling.ts';

/** What an agent's cells say together. */
interface AgentSum {
  readonly ready: boolean;
  /** For people: on how many cells it is Ready, and what the first trouble is. */
  readonly message: string;
  readonly worst?: Telling;
}

export interface SumRule {
  readonly nowMs: number;
  /** A cell on which the agent has been for less does not make it not Ready. */
  readonly patienceMs: number;
  /** Cells that have no room for it. */
  readonly without: number;
  /** Pods wait for it. */
  readonly required: boolean;
}

function describe({ cellId, trouble }: Telling): string {
  const { reason, message }: Trouble = trouble ?? { reason: 'it is not Ready', message: '' };
  return `${cellId}: ${reason}${message === '' ? '' : ` (${message})`}`;
}

/**
 * Sums up what cells say of an agent: it is Ready when it is so on all of them, or on none because there is none. Cells that
 * have no room for it count where it is required, or has no other. Where it begins it changes nothing: cells come all the time, and an agent is not to be not Ready because of that.
 */
export function sumOf(wasReady: boolean, tellings: readonly Telling[], rule: SumRule): AgentSum {
  const counted = tellings.filter(({ refused }) => !refused);
  const behind = counted.filter(({ ready }) => !ready);
  const late = behind.filter(({ seatedAtMs }) => rule.nowMs - seatedAtMs >= rule.patienceMs);
  const worst = late.find(({ trouble }) => trouble) ?? behind.find(({ trouble }) => trouble) ?? late[0];
  const without = rule.without + tellings.length - counted.length;
  const message = [
    `an agent, Ready on ${counted.length - behind.length} of ${counted.length} cells`,
    ...(worst === undefined ? [] : [describe(worst)]),
    ...(without === 0 ? [] : [`${without} have no room for it`]),
  ].join('; ');
  const isMissed = without > 0 && (rule.required || counted.length === 0);
  const ready = !isMissed && late.length === 0 && (behind.length === 0 || wasReady);
  return { ready, message, ...(worst === undefined ? {} : { worst }) };
}

interface Container {
  readonly name: string;
  readonly image?: string;
  readonly restartPolicy?: string;
}

const COMPLETED = { exitCode: 0, reason: 'Completed' };

/** Restarts only grow, though cells with theirs end: who watches counts each fall as a new beginning. */
function restartsOf(name: string, told: WirePod['status'], tellings: readonly Telling[]): number {
  const known = [...(told?.containerStatuses ?? []), ...(told?.initContainerStatuses ?? [])];
  const before = known.find((one) => one.name === name)?.restartCount ?? 0;
  const now = tellings.reduce((sum, { containers }) => sum + (containers.get(name)?.restartCount ?? 0), 0);
  return Math.min(Math.max(before, now), 2 ** 31 - 1);
}

function statusesOf(
  pod: WirePod,
  containers: readonly Container[],
  tellings: readonly Telling[],
  { ready, worst }: AgentSum,
  isInit: boolean,
) {
  const startedAt = pod.status?.startTime;
  return containers.map(({ name, image = '', restartPolicy }) => {
    const trouble = ready ? undefined : worst?.containers.get(name)?.trouble;
    const done = isInit && restartPolicy !== 'Always' ? { terminated: COMPLETED } : { running: { startedAt } };
    return {
      name,
      image,
      imageID: '',
      restartCount: restartsOf(name, pod.status, tellings),
      ready: ready || (isInit && trouble === undefined),
      started: trouble === undefined && !('terminated' in done),
      state: trouble === undefined ? done : { waiting: trouble },
    };
  });
}

/** What an agent's status is to be; times that are not to change are those that it has. */
export function summedStatus(pod: WirePod, tellings: readonly Telling[], rule: SumRule) {
  const sum = sumOf(hasCondition(pod, 'Ready'), tellings, rule);
  const { containers, initContainers = [] } = pod.spec;
  const is = (met: boolean) => (met ? 'True' : 'False');
  const told = sum.ready ? {} : { reason: 'AgentsNotReady', message: sum.message };
  const conditions = [
    { type: 'PodReadyToStartContainers', status: 'True' },
    { type: 'Initialized', status: 'True' },
    { type: 'ContainersReady', status: is(sum.ready), ...told },
    { type: 'Ready', status: is(sum.ready), ...told },
    // It has no cell of its own, so that this is never True.
    { type: CELL_READY_CONDITION, status: 'False', reason: INJECTED, message: sum.message },
  ];
  return {
    phase: 'Running',
    conditions: conditions.map((one) => {
      const before = pod.status?.conditions?.find(({ type }) => type === one.type);
      const isSame = before?.status === one.status && before.lastTransitionTime !== undefined;
      const at = isSame ? before.lastTransitionTime : kubeTime(rule.nowMs);
      return { reason: '', message: '', ...one, lastTransitionTime: at };
    }),
    containerStatuses: statusesOf(pod, containers, tellings, sum, false),
    ...(initContainers.length === 0
      ? {}
      : { initContainerStatuses: statusesOf(pod, initContainers, tellings, sum, true) }),
  };
}

type Summed = ReturnType<typeof summedStatus>;

/** Whether a pod has that status by now, in what it tells. */
export function isWritten({ status }: WirePod, wanted: Summed): boolean {
  const hasConditions = wanted.conditions.every((one) => {
    const has = status?.conditions?.find(({ type }) => type === one.type);
    return has?.status === one.status && (has.reason ?? '') === one.reason && (has.message ?? '') === one.message;
  });
  const told = (list: readonly object[] | undefined) =>
    (list ?? []).map((one) => {
      const { name, restartCount, ready, state } = one as Summed['containerStatuses'][number];
      const waiting = 'waiting' in state ? state.waiting : undefined;
      return [name, restartCount, ready, waiting?.reason, waiting?.message];
    });
  return (
    hasConditions &&
    status?.phase === wanted.phase &&
    isDeepStrictEqual(told(status.containerStatuses), told(wanted.containerStatuses)) &&
    isDeepStrictEqual(told(status.initContainerStatuses), told(wanted.initContainerStatuses))
  );
}
