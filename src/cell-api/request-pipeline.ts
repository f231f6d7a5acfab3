import type { Logger } from 'pino';
import type { Clock } from '../core/clock.ts';
import { isNodelessError, messageOf } from '../core/errors.ts';
import type { KubeClient } from '../kube/client.ts';
import type { RequestContext } from './context.ts';
import type { Reply } from './http/answer.ts';
import { type AuthenticationOptions, authenticate, type Peer } from './http/authentication.ts';
import { type RawBody, requireJsonAccepted } from './http/body.ts';
import { type ListOptions, parseListOptions } from './http/list-options.ts';
import { servePlainPath } from './http/plain-paths.ts';
import { badRequest, notReady, Refusal, tooMany } from './http/refusal.ts';
import { parsePath, type Verb, verbOf } from './http/target.ts';
import type { CellApiMetrics } from './metrics.ts';
import { dispatch, READ, type Routes, resourceLabel } from './routes.ts';
import type { Caller, CellSession } from './session.ts';

/** A request as the server hands it over. */
export interface IncomingRequest {
  readonly method: string;
  /** Path and query as they came. */
  readonly url: string;
  readonly accept: string | undefined;
  readonly authorization: string | undefined;
  /** A Refusal when it was too much to be read. */
  readonly body: RawBody | Refusal | undefined;
  readonly peer: Peer;
  readonly signal: AbortSignal;
}

export interface Outcome {
  readonly reply: Reply | Refusal;
  readonly caller: Caller;
  readonly resource: string;
  /** Of a watch; the defaults otherwise. */
  readonly options: ListOptions;
}

export interface PipelineOptions {
  readonly routes: Routes;
  readonly authentication: AuthenticationOptions;
  readonly client: KubeClient;
  readonly metrics: CellApiMetrics;
  readonly clock: Clock;
  readonly logger: Logger;
}

const NO_OPTIONS = parseListOptions(new URLSearchParams());
/** Of one cell; a kubelet with 100 pods has a few hundred. */
const MAX_WATCHES = 1_000;
const DENIAL_LOG_INTERVAL_MS = 60_000;

/** From bytes to a reply: authenticates, parses, limits, dispatches and counts. Never throws. */
export async function runPipeline(options: PipelineOptions, incoming: IncomingRequest): Promise<Outcome> {
  const run = { caller: { kind: 'anonymous' } as Caller, resource: 'other', verb: 'other', options: NO_OPTIONS };
  let reply: Reply | Refusal;
  try {
    run.caller = authenticate(options.authentication, incoming.peer, incoming.authorization);
    reply = await serve(options, incoming, run);
  } catch (error) {
    reply = refusalOf(error, options.logger);
  }
  count(options, run, reply);
  return { reply, caller: run.caller, resource: run.resource, options: run.options };
}

interface Run {
  caller: Caller;
  resource: string;
  verb: string;
  options: ListOptions;
}

async function serve(options: PipelineOptions, incoming: IncomingRequest, run: Run): Promise<Reply> {
  const { method, url, body, signal } = incoming;
  if (body instanceof Refusal) throw body;
  const [path = '', ...search] = url.split('?');
  const parsed = parsePath(path);
  const { caller } = run;
  if ('plain' in parsed) return servePlainPath(options, { method, path: parsed.plain, caller, signal });
  const { target } = parsed;
  run.resource = resourceLabel(options.routes, target);
  requireJsonAccepted(incoming.accept);
  const query = new URLSearchParams(search.join('?'));
  const reads = method === 'GET' && target.name === undefined;
  if (reads) run.options = parseListOptions(query);
  else if (query.has('watch')) throw badRequest('only a collection can be watched');
  const verb = verbOf(method, target, run.options.watch);
  if (verb === undefined) throw new Refusal(405, 'the method is not supported here', { denial: 'not-allowed' });
  run.verb = verb;
  if (caller.kind === 'cell') requireWithin(caller.session, verb, options.clock.now());
  const context: RequestContext = { verb, target, query, options: run.options, body, caller, signal };
  return dispatch(options.routes, context);
}

/** @throws Refusal 429 */
function requireWithin({ watches, sentBucket }: CellSession, verb: Verb, nowMs: number): void {
  if (verb === 'watch' && watches >= MAX_WATCHES) throw tooMany('the cell has too many watches');
  if (READ.includes(verb) && !sentBucket.charge(nowMs, 0)) throw tooMany('the cell reads too much', 'sent-rate');
}

function refusalOf(error: unknown, logger: Logger): Refusal {
  if (error instanceof Refusal) return error;
  if (isNodelessError(error, 'NotLeading')) return notReady('this replica of the provider may not lead any more');
  if (isNodelessError(error) && error.retryable) return notReady('the API server did not answer the provider');
  if (error instanceof Error && error.name === 'AbortError') return notReady('the request was given up');
  logger.error({ reason: messageOf(error) }, 'a request of a cell failed');
  return new Refusal(500, 'Internal Server Error', { cause: error });
}

function count({ metrics, clock, logger }: PipelineOptions, run: Run, reply: Reply | Refusal): void {
  const refused = reply instanceof Refusal;
  const code = refused ? reply.status : 'watch' in reply ? 200 : reply.status;
  metrics.requests.inc({ resource: run.resource, verb: run.verb, code: String(code) });
  if (!refused || reply.denial === undefined) return;
  metrics.denials.inc({ reason: reply.denial });
  if (run.caller.kind === 'cell' && !mayLog(run.caller.session, reply, clock.now())) return;
  const cell = run.caller.kind === 'cell' ? { cell: run.caller.session.cellId } : {};
  const { denial, status } = reply;
  const fields = { ...cell, denial, status, resource: run.resource, verb: run.verb };
  if (run.caller.kind === 'cell') logger.warn(fields, 'a cell was denied');
  else logger.debug(fields, 'a caller without a certificate was denied');
}

/** Each kind of denial is logged once a minute per cell; all are counted. */
function mayLog(session: CellSession, { denial }: Refusal, nowMs: number): boolean {
  if (denial === undefined) return false;
  const last = session.deniedAtMs.get(denial) ?? Number.NEGATIVE_INFINITY;
  if (nowMs - last < DENIAL_LOG_INTERVAL_MS) return false;
  session.deniedAtMs.set(denial, nowMs);
  return true;
}
