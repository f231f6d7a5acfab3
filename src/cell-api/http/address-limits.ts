import { sourceOf } from '../../core/address-source.ts';
import { type Bucket, createBucket } from '../../core/bucket.ts';
import type { DenialReason } from './refusal.ts';

/** New connections from one address: a kubelet keeps a few, and its bootstrap makes one a try. */
const CONNECTIONS_PER_SECOND = 20;
const CONNECTION_BURST = 300;
/** Open connections from one address that have not shown a living cell's certificate. */
const MAX_STRANGERS = 128;
/** Bytes received, whatever they are: a kubelet sends a few KiB a second, an object is at most 2 MiB. */
const RECEIVED_BYTES_PER_SECOND = 1024 * 1024;
const RECEIVED_BURST_BYTES = 16 * 1024 * 1024;

interface Address {
  readonly connections: Bucket;
  /** Of what strangers send. */
  readonly received: Bucket;
  /** How many connections of each cell are open; who comes from one address with many is behind a proxy. */
  readonly cells: Map<string, number>;
  strangers: number;
}

/** A connection as it was let in. */
export interface Admitted {
  /** Counts it with a cell, by whose certificate it is known from now on; or tells which limit is against that. */
  prove(cellId: string, nowMs: number): DenialReason | undefined;
  /** Charges what has come over it, to its cell or its address; false while that is more than it may be. */
  received(bytes: number, nowMs: number): boolean;
  /** Call it once, when the connection has closed. */
  close(): void;
}

function receivedBucket(): Bucket {
  return createBucket(RECEIVED_BYTES_PER_SECOND, RECEIVED_BURST_BYTES);
}

/**
 * What one remote address may do before it is known who is there: TLS handshakes are what costs most, and half-open
 * connections belong to nobody. A cell has an address of its own; one that several cells come from gets the limits of
 * so many. What a cell sends is its own affair, wherever it comes from.
 */
export class AddressLimits {
  readonly #bySource = new Map<string, Address>();
  readonly #receivedByCell = new Map<string, Bucket>();

  /** Lets a connection in, or tells which limit is against it. */
  open(address: string, nowMs: number): Admitted | DenialReason {
    const known = this.#of(sourceOf(address));
    if (!known.received.charge(nowMs, 0)) return 'receive-rate';
    if (known.strangers >= MAX_STRANGERS * cellsOf(known)) return 'connection-limit';
    if (!known.connections.take(nowMs, 1 / cellsOf(known))) return 'connection-rate';
    known.strangers += 1;
    let cell: string | undefined;
    return {
      prove: (cellId, provedAtMs) => {
        if (cell !== undefined) return undefined;
        if (!this.#receivedOf(cellId).charge(provedAtMs, 0)) return 'receive-rate';
        cell = cellId;
        known.strangers -= 1;
        known.cells.set(cellId, (known.cells.get(cellId) ?? 0) + 1);
        return undefined;
      },
      received: (bytes, receivedAtMs) =>
        cell === undefined
          ? known.received.charge(receivedAtMs, bytes / cellsOf(known))
          : this.#receivedOf(cell).charge(receivedAtMs, bytes),
      close: () => {
        if (cell === undefined) known.strangers -= 1;
        else leave(known.cells, cell);
      },
    };
  }

  /** Called about once a second: forgets whom there is nothing to hold against. */
  tick(nowMs: number): void {
    for (const [source, { strangers, cells, connections, received }] of this.#bySource) {
      if (strangers + cells.size > 0) continue;
      if (connections.isFull(nowMs) && received.isFull(nowMs)) this.#bySource.delete(source);
    }
    for (const [cellId, received] of this.#receivedByCell) {
      if (received.isFull(nowMs)) this.#receivedByCell.delete(cellId);
    }
  }

  /** Addresses and cells that are remembered. */
  get size(): number {
    return this.#bySource.size + this.#receivedByCell.size;
  }

  #of(source: string): Address {
    const known = this.#bySource.get(source) ?? {
      connections: createBucket(CONNECTIONS_PER_SECOND, CONNECTION_BURST),
      received: receivedBucket(),
      cells: new Map<string, number>(),
      strangers: 0,
    };
    this.#bySource.set(source, known);
    return known;
  }

  #receivedOf(cellId: string): Bucket {
    const bucket = this.#receivedByCell.get(cellId) ?? receivedBucket();
    this.#receivedByCell.set(cellId, bucket);
    return bucket;
  }
}

function cellsOf({ cells }: Address): number {
  return Math.max(1, cells.size);
}

function leave(cells: Map<string, number>, cell: string): void {
  const left = (cells.get(cell) ?? 0) - 1;
  if (left > 0) cells.set(cell, left);
  else cells.delete(cell);
}
