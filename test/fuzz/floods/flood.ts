import type { WireTarget } from '../wire/reply.ts';
import type { World } from '../world.ts';

export interface FloodGround {
  readonly world: World;
  readonly target: WireTarget;
  /** Given everything that was read, in pieces. */
  readonly inspect: (bytes: Buffer) => void;
}

export interface FloodResult {
  /** Requests, frames or connections, whatever it floods with. */
  readonly sent: number;
  /** True when the server has ended every connection of it. */
  readonly ended?: boolean;
  /** What it has brought the server to, at most. */
  readonly held?: number;
  readonly byStatus?: Readonly<Record<string, number>>;
}

/** One way to abuse connections rather than requests. */
export type Flood = (ground: FloodGround) => Promise<FloodResult>;
