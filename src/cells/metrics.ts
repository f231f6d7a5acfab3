import type { Registry } from 'prom-client';
import type { CellMachine, CellPhase } from '../core/cell.ts';
import type { Clock } from '../core/clock.ts';
import { namespaceIn } from '../kube/wire-pod.ts';
import { counterIn, gaugeIn, histogramIn } from '../telemetry/metrics.ts';
import type { Book } from './book.ts';
import { type Cell, isServed, isWarm } from './cell.ts';

const BUCKETS_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 13, 20, 30, 45, 60, 90, 120, 300];
const MS_PER_HOUR = 3_600_000;
/** Much longer than between two scrapes. */
const FORGET_AFTER_MS = MS_PER_HOUR;

/** The stage of a start that a cell leaves with each phase, and the phase that comes next. */
const STAGES: Partial<Readonly<Record<CellPhase, { readonly stage: string; readonly next: CellPhase }>>> = {
  requested: { stage: 'queue', next: 'launching' },
  launching: { stage: 'launch', next: 'booting' },
  booting: { stage: 'boot', next: 'ready' },
  ready: { stage: 'deliver', next: 'running' },
};

/** What a machine is paid for while its cell is in a phase; nothing is paid for without a machine. */
function useOf(cell: Cell): string {
  const { phase } = cell;
  if (isWarm(cell) && (isServed(cell) || phase === 'stopped')) return 'wait';
  if (phase === 'running') return 'run';
  return phase === 'ending' || phase === 'lost' || phase === 'ended' ? 'end' : 'start';
}

function machineOf({ machine, offering }: Cell) {
  const { launchType = '', instanceType = '', zone = '' } = machine ?? offering ?? {};
  return { launch_type: launchType, instance_type: instanceType, zone };
}

function costLabelsOf(cell: Cell) {
  return { use: useOf(cell), launch_type: machineOf(cell).launch_type, namespace: namespaceIn(cell.pod) };
}

function labelsOf(cell: Cell) {
  const [member] = cell.members.values();
  const [namespace = '', pod = ''] = (member?.pod ?? cell.pod).split('/');
  return { cell: cell.cellId, namespace, pod, phase: cell.phase, ...machineOf(cell) };
}

/** What was last seen of a cell. */
interface Seen {
  readonly cell: Cell;
  phase: CellPhase;
  labels: ReturnType<typeof costLabelsOf>;
  pricePerHourUsd: number;
  /** Up to here its price is in the counter. */
  paidUntilMs: number;
}

/** Counts the machines that are ended since no pod needs them, and what they have cost. */
export function orphanCounter(registry: Registry, clock: Clock): (machine: CellMachine) => void {
  const orphans = counterIn(registry, {
    name: 'nodeless_orphan_cells_ended_total',
    help: 'Machines that no pod needed and that were ended: left by a crash, or by a launch whose outcome was unclear.',
  });
  const cost = counterIn(registry, {
    name: 'nodeless_orphan_cells_cost_dollars_total',
    help: 'Price of these machines from their launch to the order that ended them.',
  });
  return ({ pricePerHourUsd, createdAtMs }) => {
    orphans.inc();
    cost.inc((pricePerHourUsd * Math.max(0, clock.now() - createdAtMs)) / MS_PER_HOUR);
  };
}

/** Shows the book's cells in a registry, and what they cost from now on; the returned function ends that. */
export function observeCells({
  book,
  registry,
  clock,
  perCell = false,
}: {
  readonly book: Book;
  readonly registry: Registry;
  readonly clock: Clock;
  /** Also one series for each cell, which names it and its pods: as many as there are cells. */
  readonly perCell?: boolean;
}): () => void {
  const seen = new Map<string, Seen>();
  /** When something was last paid for in a namespace, and the labels that it has. */
  const paid = new Map<string, { atMs: number; readonly series: Map<string, Seen['labels']> }>();
  const stages = histogramIn(registry, {
    name: 'nodeless_cell_start_stage_seconds',
    help: 'Time that cells spent in each stage of their start: queue, launch, boot, deliver; cold, for their pod, or warm, for a pool.',
    labelNames: ['stage', 'kind', 'launch_type'],
    buckets: BUCKETS_SECONDS,
  });
  const ends = counterIn(registry, {
    name: 'nodeless_cells_ended_total',
    help: 'Cells that are no more, by how they ended: ended in order, or lost.',
    labelNames: ['outcome', 'launch_type'],
  });
  const cost = counterIn(registry, {
    name: 'nodeless_cell_cost_dollars_total',
    help: 'Price of machines for the time that this leader saw them, by what they did, launch type and namespace.',
    labelNames: ['use', 'launch_type', 'namespace'],
    collect: () => {
      seen.forEach(pay);
      forgetOld();
    },
  });
  gaugeIn(registry, {
    name: 'nodeless_cells',
    help: 'Cells, by phase and machine.',
    labelNames: ['phase', 'launch_type', 'instance_type', 'zone'],
    collect: (gauge) => {
      for (const cell of book.cells()) gauge.inc({ phase: cell.phase, ...machineOf(cell) });
    },
  });
  gaugeIn(registry, {
    name: 'nodeless_cells_price_dollars_per_hour',
    help: 'Price of all machines that run now, by what they do, launch type and namespace.',
    labelNames: ['use', 'launch_type', 'namespace'],
    collect: (gauge) => {
      for (const { labels, pricePerHourUsd } of seen.values()) gauge.inc(labels, pricePerHourUsd);
    },
  });

  gaugeIn(registry, {
    name: 'nodeless_offering_price_dollars_per_hour',
    help: 'Price of the offerings that there are cells of: compute, root disk and address.',
    labelNames: ['launch_type', 'instance_type', 'zone'],
    collect: (gauge) => {
      for (const cell of book.cells())
        if (cell.machine !== undefined) gauge.set(machineOf(cell), cell.machine.pricePerHourUsd);
    },
  });

  if (perCell) {
    gaugeIn(registry, {
      name: 'nodeless_cell_price_dollars_per_hour',
      help: 'Price of each cell, with its first pod; only with metrics.perCell.',
      labelNames: ['cell', 'namespace', 'pod', 'phase', 'launch_type', 'instance_type', 'zone'],
      collect: (gauge) => {
        for (const cell of book.cells()) gauge.set(labelsOf(cell), cell.machine?.pricePerHourUsd ?? 0);
      },
    });
  }

  /** Puts what a machine has cost since the last time into the counter. */
  function pay(entry: Seen): void {
    const nowMs = clock.now();
    const ms = Math.max(0, nowMs - entry.paidUntilMs);
    if (ms > 0 && entry.pricePerHourUsd > 0) cost.inc(entry.labels, (entry.pricePerHourUsd * ms) / MS_PER_HOUR);
    entry.paidUntilMs = nowMs;
    const { labels } = entry;
    const { series } = paid.get(labels.namespace) ?? { series: new Map() };
    paid.set(labels.namespace, { atMs: nowMs, series: series.set(Object.values(labels).join(' '), labels) });
  }

  /** Namespaces come and go: one without cells for long has been scraped, and needs no series any more. */
  function forgetOld(): void {
    for (const [namespace, { atMs, series }] of paid) {
      if (clock.now() - atMs < FORGET_AFTER_MS) continue;
      for (const labels of series.values()) cost.remove(labels);
      paid.delete(namespace);
    }
  }

  function leaveStage({ phase: left }: Seen, cell: Cell): void {
    const { stage, next } = STAGES[left] ?? {};
    const enteredMs = cell.enteredMs[left];
    // Until its claim a warm cell was ready for nobody.
    const fromMs = left === 'ready' && enteredMs !== undefined ? Math.max(enteredMs, cell.claimedMs ?? 0) : enteredMs;
    const toMs = next === cell.phase ? cell.enteredMs[next] : undefined;
    if (stage === undefined || fromMs === undefined || toMs === undefined) return;
    const kind = cell.pool === undefined ? 'cold' : 'warm';
    stages.observe({ stage, kind, launch_type: machineOf(cell).launch_type }, Math.max(0, toMs - fromMs) / 1_000);
  }

  function change(cell: Cell): void {
    const known = seen.get(cell.cellId);
    const now = {
      cell,
      phase: cell.phase,
      labels: costLabelsOf(cell),
      // Of what is stopped the disk alone is paid for, whose price no offering tells apart.
      pricePerHourUsd: cell.phase === 'stopped' ? 0 : (cell.machine?.pricePerHourUsd ?? 0),
    };
    if (known?.cell === cell) {
      pay(known);
      if (known.phase !== cell.phase) leaveStage(known, cell);
      Object.assign(known, now);
    } else {
      seen.set(cell.cellId, { ...now, paidUntilMs: clock.now() });
    }
    if (book.get(cell.cellId) === cell) return;
    seen.delete(cell.cellId);
    // One without a machine was only asked for.
    if (cell.machine !== undefined)
      ends.inc({ outcome: cell.phase === 'lost' ? 'lost' : 'ended', launch_type: machineOf(cell).launch_type });
  }

  for (const cell of book.cells()) change(cell);
  return book.onChange(change);
}
