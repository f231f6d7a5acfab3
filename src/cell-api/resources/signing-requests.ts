import type { Attestation, BootstrapEvidence } from '../../../providers/contract.ts';
import type { Clock } from '../../core/clock.ts';
import type { Authority } from '../authority/authority.ts';
import type { SignedRequest, SignedRequests } from '../authority/signed-requests.ts';
import {
  CLIENT_SIGNER,
  readSigningRequest,
  SERVING_SIGNER,
  type SigningRequest,
} from '../authority/signing-request.ts';
import type { RequestContext } from '../context.ts';
import { answer, type Reply } from '../http/answer.ts';
import { isObject, type JsonObject, jsonBody } from '../http/body.ts';
import { onlyField } from '../http/list-options.ts';
import { badRequest, forbidden, notFound, notReady, Refusal } from '../http/refusal.ts';
import type { CellBook } from '../ports.ts';
import type { Sessions } from '../session.ts';
import { bookmarkBytes, eventBytes, listBytes, objectBytes } from '../watch/event-bytes.ts';
import { TokenCells } from './token-cells.ts';

export interface SigningOptions {
  readonly authority: Authority;
  readonly requests: SignedRequests;
  readonly book: CellBook;
  readonly sessions: Sessions;
  readonly virtualNode: string;
  readonly clock: Clock;
  readonly attest: (evidence: BootstrapEvidence, signal: AbortSignal) => Promise<Attestation>;
  /** Told when a token was used by a second key: somebody holds a copy. */
  readonly onTokenReuse: (event: { readonly cellId: string; readonly remoteAddress: string }) => void;
}

export type SigningHandler = (context: RequestContext) => Promise<Reply>;

const ATTEST_TIMEOUT_MS = 10_000;
/** Attestations under way at once; each may be a call to a cloud. */
const MAX_ATTESTATIONS = 64;

/** Certificate signing requests: signed at once or refused, visible to the cell that made them. */
export function signingRequests(options: SigningOptions): SigningHandler {
  const tokens = new TokenCells(options.clock);
  let attesting = 0;

  async function attest(token: string, remoteAddress: string, key: string, signal: AbortSignal): Promise<string> {
    if (attesting >= MAX_ATTESTATIONS) throw new Refusal(429, 'too many cells start at once', { retryAfterSeconds: 1 });
    attesting += 1;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(ATTEST_TIMEOUT_MS)]);
    let outcome: Attestation;
    try {
      outcome = await options.attest({ token, keyFingerprint: key, remoteAddress }, limit);
    } catch (cause) {
      throw new Refusal(503, 'the identity can not be checked now', { retryAfterSeconds: 2, cause });
    } finally {
      attesting -= 1;
    }
    if (outcome.outcome === 'accepted') return outcome.cellId;
    if (outcome.outcome === 'unknown') throw unauthorized('unknown-token');
    options.onTokenReuse({ cellId: outcome.cellId, remoteAddress });
    throw unauthorized('reused-token');
  }

  async function cellIdFor(context: RequestContext, request: SigningRequest | undefined): Promise<string> {
    const { caller, signal } = context;
    if (caller.kind === 'cell') return caller.cell.cellId;
    if (caller.kind === 'anonymous') throw unauthorized('no-credentials');
    if (request === undefined) {
      const known = tokens.cellOf(caller.token);
      if (known === undefined) throw unauthorized('unknown-token');
      return known;
    }
    const cellId = await attest(caller.token, caller.remoteAddress, request.keyFingerprint, signal);
    tokens.remember(caller.token, cellId);
    return cellId;
  }

  async function create(context: RequestContext): Promise<Reply> {
    const { name, spec, signerName } = readObject(jsonBody(context.body));
    const request = await readSigningRequest(pemOf(spec), options.virtualNode);
    if (context.caller.kind !== 'cell' && signerName !== CLIENT_SIGNER) throw forbidden('token-scope');
    const cellId = await cellIdFor(context, request);
    const same = name === undefined ? undefined : options.requests.find(name);
    if (same !== undefined) return again(same, cellId, request, name ?? '');
    const certificatePem = await sign(options, cellId, signerName, request);
    const kept = { cellId, keyFingerprint: request.keyFingerprint, spec, certificatePem, name };
    return { status: 201, body: objectBytes(options.requests.keep(kept).object) };
  }

  async function visible(context: RequestContext): Promise<(name: string) => SignedRequest | undefined> {
    const cellId = await cellIdFor(context, undefined);
    return (name) => {
      const found = options.requests.find(name);
      return found?.cellId === cellId ? found : undefined;
    };
  }

  return async (context) => {
    const { verb, target, caller } = context;
    if (caller.kind === 'anonymous') throw unauthorized('no-credentials');
    if (target.namespace !== undefined || target.subresource !== undefined) throw forbidden('not-allowed');
    if (verb === 'create') return create(context);
    if (verb !== 'get' && verb !== 'list' && verb !== 'watch') throw forbidden('not-allowed');
    const find = await visible(context);
    const name = target.name ?? onlyField(context.options, 'metadata.name');
    if (name === undefined) throw forbidden('not-allowed');
    const found = find(name)?.object;
    if (verb === 'get') {
      if (found === undefined) throw notFound('certificatesigningrequests', name);
      return { status: 200, body: objectBytes(found) };
    }
    const { requests } = options;
    return verb === 'list' ? listOf(requests, found ?? requests.forgotten(name)) : watchOf(requests, found);
  };
}

async function sign(options: SigningOptions, cellId: string, signer: string, request: SigningRequest): Promise<string> {
  const { authority, book, sessions, virtualNode, clock } = options;
  const cell = book.find(cellId);
  if (cell === undefined) {
    if (!book.complete) throw notReady('the provider is still reading the state of the cluster');
    throw unauthorized('unknown-cell');
  }
  if (!sessions.of(cellId).signingBucket.take(clock.now())) {
    throw new Refusal(429, 'the cell asks for too many certificates', { denial: 'limit', retryAfterSeconds: 10 });
  }
  if (signer === CLIENT_SIGNER) return authority.signCellClient(request, cellId, virtualNode);
  return authority.signCellServing(request, cell, virtualNode);
}

function again(same: SignedRequest, cellId: string, request: SigningRequest, name: string): Reply {
  if (same.cellId !== cellId || same.keyFingerprint !== request.keyFingerprint) {
    throw new Refusal(409, `certificatesigningrequests "${name}" already exists`, { reason: 'AlreadyExists' });
  }
  return answer(same.object, 201);
}

function readObject(object: JsonObject): { name: string | undefined; spec: JsonObject; signerName: string } {
  const metadata = isObject(object.metadata) ? object.metadata : {};
  const spec = isObject(object.spec) ? object.spec : {};
  const { signerName } = spec;
  if (signerName !== CLIENT_SIGNER && signerName !== SERVING_SIGNER) throw forbidden('bad-csr');
  const name = typeof metadata.name === 'string' && metadata.name !== '' ? metadata.name : undefined;
  if (name !== undefined && !/^[A-Za-z0-9][A-Za-z0-9._:~-]{0,252}$/.test(name))
    throw badRequest('the name is not valid');
  const { request, usages, expirationSeconds } = spec;
  return { name, signerName, spec: { request, usages, expirationSeconds, signerName } };
}

function pemOf(spec: JsonObject): string {
  return typeof spec.request === 'string' ? Buffer.from(spec.request, 'base64').toString('latin1') : '';
}

function unauthorized(denial: 'no-credentials' | 'unknown-token' | 'reused-token' | 'unknown-cell'): Refusal {
  return new Refusal(401, 'Unauthorized', { denial });
}

const KIND = ['certificates.k8s.io/v1', 'CertificateSigningRequest'] as const;

function listOf(requests: SignedRequests, object: SignedRequest['object']): Reply {
  return { status: 200, body: listBytes(...KIND, requests.resourceVersion, [object]) };
}

/** A request is final when it is made, so its watch tells it once. */
function watchOf(requests: SignedRequests, object: SignedRequest['object'] | undefined): Reply {
  return {
    watch: {
      begin: (watch) => {
        if (object !== undefined) watch.send(eventBytes('ADDED', object));
        return () => undefined;
      },
      bookmark: () => bookmarkBytes(...KIND, requests.resourceVersion),
    },
  };
}
