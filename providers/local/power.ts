import type { CellMachine } from '../../src/core/cell.ts';
import type { Clock } from '../../src/core/clock.ts';
import { NodelessError } from '../../src/core/errors.ts';
import { machineOf } from './cell-machine.ts';
import type { CellRecord } from './cell-store.ts';
import { type MachineState, restartMachine, stopMachine } from './machine/machine.ts';

export interface PowerOptions {
  readonly clock: Clock;
  readonly directoryOf: (cellId: string) => string;
  /** What is known of a cell that may be stopped or started, once nothing of its launch is under way. */
  readonly recordOf: (cellId: string) => Promise<CellRecord | undefined>;
}

type Power = 'running' | 'stopped';

/** Switches machines off and on again, one change of a machine after the other. */
export function createPower({ clock, directoryOf, recordOf }: PowerOptions) {
  const underWay = new Map<string, Promise<unknown>>();

  async function perform(cellId: string, to: Power, signal: AbortSignal): Promise<CellMachine> {
    const record = await recordOf(cellId);
    let state: MachineState = 'absent';
    if (record !== undefined) {
      const directory = directoryOf(cellId);
      const { capacity } = record.offering;
      state = await (to === 'running'
        ? restartMachine(directory, capacity, signal, clock)
        : stopMachine(directory, clock));
      if (state === to) return machineOf(record, state);
    }
    const message = `cell ${cellId} can not be ${to === 'running' ? 'started' : 'stopped'}: its machine is ${state}`;
    throw new NodelessError({ code: 'NotFound', message, identity: { cell: cellId } });
  }

  return {
    /** @throws NodelessError NotFound where there is no machine that could be. */
    change(cellId: string, to: Power, signal: AbortSignal): Promise<CellMachine> {
      const before = underWay.get(cellId) ?? Promise.resolve();
      const effort = before.then(() => perform(cellId, to, signal));
      const settled = effort
        .catch(() => undefined)
        .finally(() => underWay.get(cellId) === settled && underWay.delete(cellId));
      underWay.set(cellId, settled);
      return effort;
    },
    /** Resolves when no change of a cell, or of any, is under way. */
    async settled(cellId?: string): Promise<void> {
      await (cellId === undefined ? Promise.all(underWay.values()) : underWay.get(cellId));
    },
  };
}
