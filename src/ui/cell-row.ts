import { type Cell, classNameOf, enteredForPod, isWarm } from '../cells/cell.ts';
import { describeMembers } from '../cells/projection.ts';
import { CELL_PHASES, type CellPhase } from '../core/cell.ts';
import { describeResources } from '../core/resources.ts';
import type { WirePod } from '../kube/wire-pod.ts';
import { recordedChoice } from '../pods/recorded-choice.ts';
import { recordedStart } from '../pods/recorded-start.ts';
import { clip } from './section.ts';

/** The moments of a start: a cell's phases, and `started` when all containers of its pod had. */
type Moment = CellPhase | 'started';

/** One cell as the page shows it. */
export interface CellRow {
  readonly id: string;
  readonly phase: CellPhase;
  readonly pod: string;
  readonly type: string;
  readonly launch: string;
  readonly zone: string;
  readonly priceUsd: number;
  readonly isPriceEstimated?: true;
  readonly size: string;
  readonly cellClass: string;
  /** The warm pool that it waits in, or has waited in. */
  readonly pool?: string;
  /** It waits there for a pod, or is on its way there. */
  readonly isWarm?: true;
  /** Milliseconds since the epoch, as far as they are known, and as its pod had to wait for them. */
  readonly at: Readonly<Partial<Record<Moment, number>>>;
  /** Why this machine. */
  readonly why?: string;
  /** Why it ends, or was lost. */
  readonly reason?: string;
}

/**
 * When the last container of a pod had started: a kubelet tells whole seconds. Undefined before, and after a restart, for the
 * status has the newest start alone.
 */
export function startedAtMs({ status }: Pick<WirePod, 'status'>): number | undefined {
  const containers = status?.containerStatuses ?? [];
  const starts = containers.map(({ restartCount, state }) => {
    const told = state?.running?.startedAt ?? state?.terminated?.startedAt;
    return restartCount === 0 ? Date.parse(String(told ?? '')) : Number.NaN;
  });
  if (starts.length === 0 || starts.some(Number.isNaN)) return undefined;
  return Math.max(...starts);
}

/** A cell's moments; one that was found at a start has those that are written on its pod. */
function momentsOf(cell: Cell, pod: WirePod | undefined): CellRow['at'] {
  const recorded = cell.enteredMs.requested === undefined && pod !== undefined ? recordedStart(pod)?.phases : undefined;
  const written = CELL_PHASES.map((phase) => [phase, Date.parse(recorded?.[phase] ?? '')] as const);
  const started = pod === undefined || cell.phase !== 'running' ? undefined : startedAtMs(pod);
  return {
    ...enteredForPod(cell),
    ...Object.fromEntries(written.filter(([, ms]) => !Number.isNaN(ms))),
    ...(started === undefined ? {} : { started }),
  };
}

/** What the page shows of a cell; `podOf` finds a pod by `namespace/name` and uid. Everything in it is bounded. */
export function cellRow(cell: Cell, podOf: (pod: string, uid: string) => WirePod | undefined): CellRow {
  const { machine, offering } = cell;
  const [first] = cell.members.values();
  const pod = first === undefined ? undefined : podOf(first.pod, first.uid);
  const size = machine?.allocatable ?? offering?.allocatable;
  const why = pod === undefined ? undefined : recordedChoice(pod)?.why;
  const known = machine ?? offering;
  return {
    id: cell.cellId,
    phase: cell.phase,
    pod: clip(describeMembers(cell)),
    type: clip(known?.instanceType ?? ''),
    launch: clip(known?.launchType ?? ''),
    zone: clip(known?.zone ?? ''),
    priceUsd: known?.pricePerHourUsd ?? 0,
    ...(known?.isPriceEstimated === true ? { isPriceEstimated: true } : {}),
    size: size === undefined ? '' : clip(describeResources(size)),
    cellClass: clip(classNameOf(cell) ?? ''),
    ...(cell.pool === undefined ? {} : { pool: clip(cell.pool.name) }),
    ...(isWarm(cell) ? { isWarm: true } : {}),
    at: momentsOf(cell, pod),
    ...(why === undefined ? {} : { why: clip(why) }),
    ...(cell.reason === undefined ? {} : { reason: clip(cell.reason) }),
  };
}
