import { request } from 'undici';
import { z } from 'zod';
import { messageOf, NodelessError } from '../../../src/core/errors.ts';
import { shapedJson } from '../../../src/core/json-text.ts';
import { BINDING_HEADER, stsHost } from './proof.ts';
import type { ReadToken } from './token.ts';

export interface CallerOptions {
  readonly region: string;
  /** Instead of STS' own address; it is called by its name all the same. */
  readonly endpoint?: string | undefined;
}

/** Who signed, in STS' words. */
export type Caller = { readonly arn: string } | { readonly refusal: string };

/** Less than the cell API gives to the whole check. */
const TIMEOUT_MS = 5_000;
const MAX_BODY_BYTES = 16 * 1024;
const BUSY = new Set(['Throttling', 'ThrottlingException', 'RequestLimitExceeded', 'ServiceUnavailable']);

const identity = z.object({
  GetCallerIdentityResponse: z.object({ GetCallerIdentityResult: z.object({ Arn: z.string().max(2_048) }) }),
});
const failure = z.object({ Error: z.object({ Code: z.string().max(128) }) });

async function bounded(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new Error('the answer is longer than any that STS gives');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function unsettled(message: string, cause?: unknown): NodelessError {
  const identityOf = { action: 'sts:GetCallerIdentity' };
  return new NodelessError({ code: 'AmbiguousOutcome', retryable: true, message, cause, identity: identityOf });
}

/**
 * Asks STS who signed a token, with the binding header as it must have been: of any other, the signature does not match.
 * Redirects are not followed: they are no answer.
 * @throws NodelessError AmbiguousOutcome where STS does not say
 */
export async function askCaller(
  { query }: ReadToken,
  binding: string,
  { region, endpoint, signal }: CallerOptions & { readonly signal: AbortSignal },
): Promise<Caller> {
  const host = stsHost(region);
  const base = endpoint === undefined ? `https://${host}` : endpoint.replace(/\/+$/, '');
  let status: number;
  let text: string;
  try {
    const answer = await request(`${base}/?${query}`, {
      headers: { host, accept: 'application/json', [BINDING_HEADER]: binding },
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    status = answer.statusCode;
    text = await bounded(answer.body);
  } catch (error) {
    throw unsettled(`STS can not be asked who signed: ${messageOf(error)}; it is asked again`, error);
  }
  if (status === 200) {
    const read = shapedJson(identity, text);
    if (read === undefined) throw unsettled('STS does not say who signed; it is asked again');
    return { arn: read.GetCallerIdentityResponse.GetCallerIdentityResult.Arn };
  }
  const code = shapedJson(failure, text)?.Error.Code ?? '';
  if ((status !== 400 && status !== 403) || BUSY.has(code)) {
    throw unsettled(`STS answered ${status} ${code}; it is asked again`);
  }
  return { refusal: `STS refuses it: ${code === '' ? status : code}` };
}
