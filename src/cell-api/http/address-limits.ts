import { type Bucket, createBucket } from './bucket.ts';
import type { DenialReason } from './refusal.ts';

/** New connections from one address: a kubelet keeps a few, and its bootstrap makes one a try. */
const CONNECTIONS_PER_SECOND = 20;
const CONNECTION_BURST = 300;
/** Open connections from one address that have not shown a living cell's certificate. */
const MAX_STRANGERS = 128;
/** Bytes received from one address, whatever they are: a kubelet sends a few KiB a second, an object is at most 2 MiB. */
const RECEIVED_BYTES_PER_SECOND = 1024 * 1024;
const RECEIVED_BURST_BYTES = 16 * 1024 * 1024;
/** After so long every bucket is full again, and nothing of an address need be kept. */
const FORGET_AFTER_MS = 60_000;

interface Address {
  readonly connections: Bucket;
  readonly received: Bucket;
  /** How many connections of each cell are open; who comes from one address with many is behind a proxy. */
  readonly cells: Map<string, number>;
  strangers: number;
  lastMs: number;
}

/** A connection as it was let in. */
export interface Admitted {
  /** Counts it with a cell, by whose certificate it is known from now on. */
  prove(cellId: string): void;
  /** Call it once, when the connection has closed. */
  close(): void;
}

/**
 * What one remote address may do before it is known who is there: TLS handshakes are what costs most, and half-open
 * connections belong to nobody. A cell has an address of its own; one that several cells come from gets the rates of
 * so many.
 */
export class AddressLimits {
  readonly #byAddress = new Map<string, Address>();

  /** Lets a connection in, or tells which limit is against it. */
  open(address: string, nowMs: number): Admitted | DenialReason {
    const known = this.#of(address, nowMs);
    if (known.strangers >= MAX_STRANGERS) return 'connection-limit';
    if (!known.connections.take(nowMs, share(known))) return 'connection-rate';
    known.strangers += 1;
    let cell: string | undefined;
    return {
      prove: (cellId) => {
        if (cell !== undefined) return;
        cell = cellId;
        known.strangers -= 1;
        known.cells.set(cellId, (known.cells.get(cellId) ?? 0) + 1);
      },
      close: () => {
        if (cell === undefined) known.strangers -= 1;
        else leave(known.cells, cell);
      },
    };
  }

  /** False when an address has sent more than it may. */
  received(address: string, bytes: number, nowMs: number): boolean {
    const known = this.#of(address, nowMs);
    return known.received.take(nowMs, bytes * share(known));
  }

  /** Called about once a second. */
  tick(nowMs: number): void {
    for (const [address, { strangers, cells, lastMs }] of this.#byAddress) {
      if (strangers + cells.size === 0 && nowMs - lastMs >= FORGET_AFTER_MS) this.#byAddress.delete(address);
    }
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#byAddress.size;
  }

  #of(address: string, nowMs: number): Address {
    const known = this.#byAddress.get(address) ?? {
      connections: createBucket(CONNECTIONS_PER_SECOND, CONNECTION_BURST),
      received: createBucket(RECEIVED_BYTES_PER_SECOND, RECEIVED_BURST_BYTES),
      cells: new Map<string, number>(),
      strangers: 0,
      lastMs: nowMs,
    };
    known.lastMs = nowMs;
    this.#byAddress.set(address, known);
    return known;
  }
}

function share({ cells }: Address): number {
  return 1 / Math.max(1, cells.size);
}

function leave(cells: Map<string, number>, cell: string): void {
  const left = (cells.get(cell) ?? 0) - 1;
  if (left > 0) cells.set(cell, left);
  else cells.delete(cell);
}
