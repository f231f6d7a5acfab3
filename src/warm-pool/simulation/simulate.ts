import type { Desired, PoolState, WarmPoolPolicy } from '../policy/policy.ts';
import { CellLedger } from './cell-ledger.ts';
import { EventHeap } from './event-heap.ts';
import { Launcher } from './launcher.ts';
import type { LaunchDraw, Luck } from './luck.ts';
import { Ring } from './ring.ts';
import type { Workload } from './trace.ts';
import type { World } from './world.ts';

/** How one policy did on one workload. */
export interface Run {
  /** From creation to containers started, by pod. */
  readonly startMs: Float64Array;
  /** 1 where the pod found a ready cell. */
  readonly foundReady: Uint8Array;
  /** Billed beyond the pods' running time, by the hour in which it was settled. */
  readonly overheadUsdByHour: Float64Array;
  /** Cells that were launched. */
  readonly cells: number;
  /** The most cells that the policy wanted at once, beyond those of pods. */
  readonly mostDesired: number;
  /** What the policy said last. */
  readonly lastWord: string;
}

const HOUR_MS = 3_600_000;
const KINDS = 3;
const READY = 0;
const STOPPED = 1;
const FINISHED = 2;

/** One pool's discrete events: arrivals, cells that get ready or stopped, pods that finish, ticks. */
class Simulation {
  readonly #workload: Workload;
  readonly #world: World;
  readonly #luck: Luck;
  readonly #policy: WarmPoolPolicy;
  readonly #growth: () => LaunchDraw;
  readonly #launcher: Launcher;
  readonly #ledger: CellLedger;
  readonly #events = new EventHeap();
  readonly #ready = new Ring();
  readonly #stopped = new Ring();
  readonly #waiting = new Ring();
  readonly #startMs: Float64Array;
  readonly #foundReady: Uint8Array;
  #booting = 0;
  #stopping = 0;
  #running = 0;
  #mostDesired = 0;
  #lastWord = '';

  constructor(workload: Workload, endMs: number, world: World, luck: Luck, policy: WarmPoolPolicy) {
    const pods = workload.arrivalMs.length;
    this.#workload = workload;
    this.#world = world;
    this.#luck = luck;
    this.#policy = policy;
    this.#growth = luck.growth();
    this.#launcher = new Launcher(world.faults);
    this.#ledger = new CellLedger(world.prices, world.times.shutdownMs, Math.max(1, Math.ceil(endMs / HOUR_MS)));
    this.#startMs = new Float64Array(pods);
    this.#foundReady = new Uint8Array(pods);
  }

  run(endMs: number): Run {
    const { arrivalMs } = this.#workload;
    const tickMs = this.#policy.tickMs ?? Number.POSITIVE_INFINITY;
    let pod = 0;
    let nextTickMs = tickMs;
    this.#decide(0, pod, pod);
    for (;;) {
      const nextArrivalMs = arrivalMs[pod] ?? Number.POSITIVE_INFINITY;
      const nowMs = Math.min(nextArrivalMs, nextTickMs, this.#events.nextMs);
      if (nowMs >= endMs) break;
      if (nowMs === this.#events.nextMs) {
        this.#happen(nowMs);
      } else if (nowMs === nextArrivalMs) {
        const first = pod;
        while (arrivalMs[pod] === nowMs) pod += 1;
        this.#arrive(nowMs, first, pod);
      } else {
        nextTickMs += tickMs;
        this.#decide(nowMs, pod, pod);
      }
    }
    this.#end(endMs);
    const { overheadUsdByHour, cells } = this.#ledger;
    return {
      startMs: this.#startMs,
      foundReady: this.#foundReady,
      overheadUsdByHour,
      cells,
      mostDesired: this.#mostDesired,
      lastWord: this.#lastWord,
    };
  }

  #arrive(nowMs: number, from: number, to: number): void {
    this.#policy.arrived(nowMs, to - from);
    for (let pod = from; pod < to; pod += 1) {
      const cell = this.#ready.shift();
      if (cell === undefined) {
        this.#waiting.push(pod);
      } else {
        this.#foundReady[pod] = 1;
        this.#claim(nowMs, pod, cell);
      }
    }
    this.#decide(nowMs, from, to);
  }

  #claim(nowMs: number, pod: number, cell: number): void {
    const startedAtMs = nowMs + (this.#luck.warmMs[pod] as number);
    const durationMs = this.#workload.durationMs[pod] as number;
    const startMs = startedAtMs - (this.#workload.arrivalMs[pod] as number);
    this.#startMs[pod] = startMs;
    this.#ledger.closeWithPod(cell, startedAtMs, durationMs);
    this.#running += 1;
    this.#schedule(startedAtMs + durationMs, FINISHED, cell);
    this.#policy.started(nowMs, startMs);
  }

  #happen(nowMs: number): void {
    const event = this.#events.pop() as number;
    const cell = Math.floor(event / KINDS);
    const kind = event % KINDS;
    if (kind === FINISHED) {
      this.#running -= 1;
    } else if (kind === STOPPED) {
      this.#stopping -= 1;
      this.#stopped.push(cell);
    } else {
      this.#booting -= 1;
      const pod = this.#waiting.shift();
      if (pod === undefined) this.#ready.push(cell);
      else this.#claim(nowMs, pod, cell);
    }
  }

  /** Asks the policy and does what it says. Orders that arrivals caused have the luck of those pods. */
  #decide(nowMs: number, from: number, to: number): void {
    const desired = this.#policy.decide(this.#state(), nowMs);
    this.#lastWord = desired.why;
    this.#mostDesired = Math.max(this.#mostDesired, desired.running + desired.stopped);
    let pod = from;
    const draw = () => (pod < to ? this.#luck.ofPod(pod++) : this.#growth());
    for (let missing = desired.running - this.#position(); missing > 0; missing -= 1) this.#order(nowMs, draw());
    for (let missing = desired.stopped - this.#stoppedPosition(); missing > 0; missing -= 1)
      this.#orderStopped(nowMs, draw());
    this.#shrink(nowMs, desired);
  }

  #order(nowMs: number, { launchMs, bootMs, resumeMs, failures }: LaunchDraw): void {
    const stopped = this.#stopped.shift();
    this.#booting += 1;
    if (stopped === undefined) {
      const runningAtMs = this.#launcher.takenAtMs(nowMs, failures) + launchMs;
      this.#schedule(runningAtMs + bootMs, READY, this.#ledger.open(runningAtMs));
    } else {
      this.#ledger.resume(stopped, nowMs);
      this.#schedule(nowMs + resumeMs, READY, stopped);
    }
  }

  #orderStopped(nowMs: number, { launchMs, bootMs, failures }: LaunchDraw): void {
    const runningAtMs = this.#launcher.takenAtMs(nowMs, failures) + launchMs;
    const cell = this.#ledger.open(runningAtMs);
    this.#ledger.stop(cell, runningAtMs + bootMs);
    this.#stopping += 1;
    this.#schedule(runningAtMs + bootMs + this.#world.times.shutdownMs, STOPPED, cell);
  }

  #shrink(nowMs: number, { running, runningAtMost, stopped }: Desired): void {
    const most = Math.max(running, runningAtMost);
    while (this.#position() > most) {
      const oldest = this.#ready.first;
      if (oldest === undefined || !this.#ledger.isPastMinimum(oldest, nowMs)) break;
      this.#ready.shift();
      this.#ledger.closeUnused(oldest, nowMs);
    }
    while (this.#stoppedPosition() > stopped && this.#stopped.size > 0)
      this.#ledger.closeStopped(this.#stopped.shift() as number, nowMs);
  }

  /** The trace ends: pods that wait still get their cells, and what is left is charged. */
  #end(endMs: number): void {
    while (this.#waiting.size > 0) this.#happen(this.#events.nextMs);
    for (let cell = this.#ready.shift(); cell !== undefined; cell = this.#ready.shift())
      this.#ledger.closeUnused(cell, endMs);
    for (let cell = this.#stopped.shift(); cell !== undefined; cell = this.#stopped.shift())
      this.#ledger.closeStopped(cell, endMs);
    for (let event = this.#events.pop(); event !== undefined; event = this.#events.pop()) {
      const cell = Math.floor(event / KINDS);
      if (event % KINDS === READY) this.#ledger.closeUnused(cell, endMs);
      else if (event % KINDS === STOPPED) this.#ledger.closeStopped(cell, endMs);
    }
  }

  #schedule(atMs: number, kind: number, cell: number): void {
    this.#events.push(atMs, cell * KINDS + kind);
  }

  #position(): number {
    return this.#ready.size + this.#booting - this.#waiting.size;
  }

  #stoppedPosition(): number {
    return this.#stopped.size + this.#stopping;
  }

  #state(): PoolState {
    return {
      ready: this.#ready.size,
      booting: this.#booting,
      waiting: this.#waiting.size,
      running: this.#running,
      stopped: this.#stoppedPosition(),
    };
  }
}

/**
 * Runs one workload through a pool that a policy sizes. A pod takes the cell that has been ready longest; where there is none
 * it waits for the next that gets ready, and each pod has had one ordered. Deterministic.
 */
export function simulate(
  workload: Workload,
  endMs: number,
  { world, luck, policy }: { readonly world: World; readonly luck: Luck; readonly policy: WarmPoolPolicy },
): Run {
  return new Simulation(workload, endMs, world, luck, policy).run(endMs);
}
