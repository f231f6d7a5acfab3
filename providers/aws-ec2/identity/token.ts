import { ALGORITHM, CALLER_IDENTITY, SIGNED_HEADERS, stsHost, TOKEN_PREFIX } from './proof.ts';

/** What STS is to be asked in a machine's name: a query in one form only, whatever the token's was. */
export interface ReadToken {
  readonly query: string;
}

export type TokenReading = ReadToken | { readonly refusal: string };

export interface TokenTerms {
  readonly region: string;
  readonly nowMs: number;
}

/** The longest that the cell API takes for a bearer token. */
const MAX_LENGTH = 4_096;
/** No token may be good for longer, whatever it says: STS takes them for a quarter of an hour. */
const MAX_EXPIRES_SECONDS = 120;
/** By so much may a machine's clock be fast. */
const MAX_FAST_MS = 60_000;

/** What a query must have, each exactly once, and nothing beside. */
const PARAMETERS: Readonly<Record<string, RegExp>> = {
  Action: new RegExp(`^${CALLER_IDENTITY.Action}$`),
  Version: new RegExp(`^${CALLER_IDENTITY.Version}$`),
  'X-Amz-Algorithm': new RegExp(`^${ALGORITHM}$`),
  'X-Amz-Credential': /^[A-Z0-9]{16,128}\/\d{8}\/[a-z0-9-]+\/sts\/aws4_request$/,
  'X-Amz-Date': /^\d{8}T\d{6}Z$/,
  'X-Amz-Expires': /^[1-9]\d{0,2}$/,
  // A role's credentials have one; others are no machine's.
  'X-Amz-Security-Token': /^[A-Za-z0-9+/=]{16,3000}$/,
  'X-Amz-Signature': /^[0-9a-f]{64}$/,
  'X-Amz-SignedHeaders': new RegExp(`^${SIGNED_HEADERS}$`),
};

const refuse = (refusal: string) => ({ refusal });

function urlOf(token: string): URL | undefined {
  const encoded = token.slice(TOKEN_PREFIX.length);
  const text = Buffer.from(encoded, 'base64url').toString('latin1');
  // One way to write each token, and nothing in it that some parsers drop and others do not.
  const isCanonical = Buffer.from(text, 'latin1').toString('base64url') === encoded;
  const url = isCanonical && URL.canParse(text) ? new URL(text) : undefined;
  return url?.href === text ? url : undefined;
}

/** Milliseconds since the epoch of a moment such as `20260131T235959Z`. */
function momentOf(date: string): number {
  return Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}

function timeRefusal(values: Readonly<Record<string, string>>, { region, nowMs }: TokenTerms): string | undefined {
  const { 'X-Amz-Credential': credential = '', 'X-Amz-Date': date = '', 'X-Amz-Expires': expires = '' } = values;
  const [, day, scopeRegion] = credential.split('/');
  if (scopeRegion !== region) return 'it is signed for another region';
  if (!date.startsWith(`${day}T`)) return 'it is signed for another day';
  const signedMs = momentOf(date);
  if (Number.isNaN(signedMs)) return 'its date is none';
  if (Number(expires) > MAX_EXPIRES_SECONDS) return 'it is good for too long';
  if (signedMs > nowMs + MAX_FAST_MS) return 'it is of the future: the clock of the machine, or ours, is wrong';
  if (nowMs > signedMs + Number(expires) * 1_000) return 'it has expired, or a clock is wrong';
  return undefined;
}

/** Reads a token in the form of aws-iam-authenticator, as strictly as it goes; whether it is true, only STS knows. */
export function readToken(token: string, terms: TokenTerms): TokenReading {
  if (token.length > MAX_LENGTH || !token.startsWith(TOKEN_PREFIX)) return refuse('it is not of the form');
  const url = urlOf(token);
  if (url === undefined) return refuse('it holds no URL');
  if (url.href !== `https://${stsHost(terms.region)}/${url.search}`) return refuse('it is not for STS of this region');
  const given = [...url.searchParams];
  const values = Object.fromEntries(given);
  if (given.length !== Object.keys(values).length) return refuse('it says something twice');
  for (const name of Object.keys(values))
    if (!Object.hasOwn(PARAMETERS, name)) return refuse('it says what it must not');
  for (const [name, pattern] of Object.entries(PARAMETERS)) {
    if (!pattern.test(values[name] ?? '')) return refuse(`its ${name} is not as it must be`);
  }
  const late = timeRefusal(values, terms);
  if (late !== undefined) return refuse(late);
  const names = Object.keys(PARAMETERS).sort();
  return { query: names.map((name) => `${name}=${encodeURIComponent(values[name] ?? '')}`).join('&') };
}
