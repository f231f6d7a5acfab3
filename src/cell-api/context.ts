import type { Reply } from './http/answer.ts';
import type { RawBody } from './http/body.ts';
import type { ListOptions } from './http/list-options.ts';
import type { Target, Verb } from './http/target.ts';
import type { KnownCell } from './ports.ts';
import type { Caller, CellSession } from './session.ts';

/** One request for a resource, authenticated and parsed. */
export interface RequestContext {
  readonly verb: Verb;
  readonly target: Target;
  readonly query: URLSearchParams;
  /** Of `list` and `watch`; the plain defaults otherwise. */
  readonly options: ListOptions;
  readonly body: RawBody | undefined;
  readonly caller: Caller;
  /** Aborts when the client goes away or the cell API stops. */
  readonly signal: AbortSignal;
}

/** A request of a cell that is known by its certificate. */
export interface CellContext extends RequestContext {
  readonly cell: KnownCell;
  readonly session: CellSession;
}

export type CellHandler = (context: CellContext) => Reply | Promise<Reply>;
