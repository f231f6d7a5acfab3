import { ABSORBED } from '../../cells/absorption.ts';
import { INJECTED } from '../../core/agent-record.ts';
import { CELL_PHASES } from '../../core/cell.ts';
import { CELL_ANNOTATION, CELL_READY_CONDITION, DECISION_ANNOTATION, DISRUPTION_TARGET } from '../../core/names.ts';
import { podName } from '../../kube/wire-pod.ts';
import { type RecordedChoice, recordedChoice } from '../../pods/recorded-choice.ts';
import { attemptsOf, recordedStart } from '../../pods/recorded-start.ts';
import { type Evidence, type PodEvent, timeOf } from './evidence.ts';
import { inOrder } from './in-order.ts';

/** What a pod without a cell of its own may be, by the reason of its condition. */
const NOT_ITS_OWN: Readonly<Record<string, 'absorbed' | 'injected'>> = {
  [ABSORBED]: 'absorbed',
  [INJECTED]: 'injected',
};

/** Reason of a pod that failed because its cell went. */
const CELL_LOST = 'CellLost';

/** One thing that happened to the pod. */
export interface Happening {
  /** RFC 3339; empty when nobody wrote it down. */
  readonly at: string;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  /** How often, when more than once. */
  readonly count: number;
}

/** How long a cell was in one phase. */
export interface Stage {
  readonly phase: string;
  readonly at: string;
  /** Until the next phase began; undefined for the last that is known, which is the one that it is in while it exists. */
  readonly seconds?: number;
}

/** What happened to a pod and why, as far as the cluster still tells. */
export interface Account {
  readonly pod: string;
  readonly phase: string;
  readonly node?: string;
  /** Why routing sent it where it is. */
  readonly decision?: string;
  readonly choice?: RecordedChoice;
  /** How many places on cells it was given, this one included; absent where it was given none. */
  readonly attempt?: number;
  /** The pool that its cell had waited in. */
  readonly pool?: string;
  readonly cell?: { readonly id: string; readonly exists: boolean } & Readonly<Record<string, unknown>>;
  /** What it waits for, since when it has its cell, or what became of it. */
  readonly state?: {
    readonly is: 'handed over' | 'waiting' | 'absorbed' | 'injected' | 'lost';
    readonly ready: boolean;
    readonly reason: string;
    readonly message: string;
    readonly since: string;
  };
  readonly stages: readonly Stage[];
  readonly happenings: readonly Happening[];
}

function happeningOf(event: PodEvent): Happening {
  const { type = 'Normal', reason = '', message = '', count } = event;
  return { at: timeOf(event), type, reason, message, count: count ?? 1 };
}

/** The phases that a Cell object tells of, each with the time until the next. */
function stagesOf(phases: Readonly<Record<string, string>>): readonly Stage[] {
  const entered = CELL_PHASES.flatMap((phase) => (phases[phase] === undefined ? [] : [{ phase, at: phases[phase] }]));
  const inOrder = entered.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at));
  return inOrder.map((stage, index) => {
    const next = inOrder[index + 1];
    return next === undefined ? stage : { ...stage, seconds: (Date.parse(next.at) - Date.parse(stage.at)) / 1000 };
  });
}

function stateOf({ pod: { status } }: Evidence): Account['state'] {
  const isLost = status?.reason === CELL_LOST;
  // The pod's own condition stays as it was when its cell went.
  const told = isLost ? DISRUPTION_TARGET : CELL_READY_CONDITION;
  const condition = status?.conditions?.find(({ type }) => type === told);
  if (condition === undefined) return undefined;
  const { reason = '', message = '', lastTransitionTime } = condition;
  const ready = !isLost && condition.status === 'True';
  const since = String(lastTransitionTime ?? '');
  if (isLost) return { is: 'lost', ready, reason, message, since };
  return { is: ready ? 'handed over' : (NOT_ITS_OWN[reason] ?? 'waiting'), ready, reason, message, since };
}

function cellOf({ pod, cell }: Evidence): Account['cell'] {
  const id = pod.metadata.annotations?.[CELL_ANNOTATION];
  if (id === undefined) return undefined;
  const { phases: _, ...status } = (cell?.status ?? {}) as Readonly<Record<string, unknown>>;
  return { ...status, id, exists: cell !== undefined };
}

function pick(phases: Readonly<Record<string, string>> | undefined, phase: string): Record<string, string> {
  const at = phases?.[phase];
  return at === undefined ? {} : { [phase]: at };
}

/** Puts together what is known of a pod. */
export function accountOf(evidence: Evidence): Account {
  const { pod, cell, events } = evidence;
  const decision = pod.metadata.annotations?.[DECISION_ANNOTATION];
  const choice = recordedChoice(pod);
  const state = stateOf(evidence);
  const itsCell = cellOf(evidence);
  const attempt = attemptsOf(pod);
  const shown = cell?.status as { readonly phases?: Readonly<Record<string, string>> } | undefined;
  const recorded = recordedStart(pod);
  // What a cell did before it was claimed, nobody waited for.
  const phases =
    recorded?.pool === undefined
      ? (shown?.phases ?? recorded?.phases ?? {})
      : { ...recorded.phases, ...pick(shown?.phases, 'running') };
  return {
    pod: podName(pod),
    phase: pod.status?.phase ?? 'Unknown',
    ...(pod.spec.nodeName === undefined ? {} : { node: pod.spec.nodeName }),
    ...(decision === undefined ? {} : { decision }),
    ...(choice === undefined ? {} : { choice }),
    ...(attempt === 0 ? {} : { attempt }),
    ...(recorded?.pool === undefined ? {} : { pool: recorded.pool }),
    ...(itsCell === undefined ? {} : { cell: itsCell }),
    ...(state === undefined ? {} : { state }),
    stages: stagesOf(phases),
    happenings: inOrder(events).map(happeningOf),
  };
}
