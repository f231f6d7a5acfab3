import { badRequest, Refusal } from './refusal.ts';

/** A request's body as it came. */
export interface RawBody {
  readonly bytes: Buffer;
  /** Media type in lower case, without parameters. */
  readonly mediaType: string;
}

export const STRATEGIC_MERGE = 'application/strategic-merge-patch+json';
export const MERGE = 'application/merge-patch+json';
const JSON_TYPE = 'application/json';

/** Far more than any Kubernetes object has. */
const MAX_DEPTH = 100;
const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d];

export type JsonObject = { [key: string]: unknown };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The body as a JSON object. @throws Refusal 400, 415 when it is of another media type */
export function jsonBody(body: RawBody | undefined, mediaTypes: readonly string[] = [JSON_TYPE, '']): JsonObject {
  if (body === undefined || body.bytes.length === 0) throw badRequest('the request has no body');
  if (!mediaTypes.includes(body.mediaType)) {
    throw new Refusal(415, `the body must be of type ${mediaTypes.filter((type) => type !== '').join(' or ')}`);
  }
  return parseObject(body.bytes);
}

/** Like `jsonBody`, but an absent body is an empty object. */
export function optionalJsonBody(body: RawBody | undefined): JsonObject {
  return body === undefined || body.bytes.length === 0 ? {} : jsonBody(body);
}

function parseObject(bytes: Buffer): JsonObject {
  if (!isShallow(bytes)) throw badRequest(`the body is nested deeper than ${MAX_DEPTH} levels`);
  const text = bytes.toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badRequest('the body is not JSON');
  }
  if (!isObject(value)) throw badRequest('the body is not an object');
  // The text tells cheaply whether a look at every key is due.
  if (PROTO_TEXT.test(text) && hasProtoKey(value)) throw badRequest('the body has a key that no Kubernetes object has');
  return value;
}

/** The key as it is, or spelled with an escape. */
const PROTO_TEXT = /__proto__|\\u00(?:5f|6f|7[024])/i;

function hasProtoKey(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Object.hasOwn(value, '__proto__')) return true;
  return Object.values(value).some(hasProtoKey);
}

/** Whether JSON is nested no deeper than anything reads it without an end of the stack; what is no JSON may pass. */
function isShallow(bytes: Buffer): boolean {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (quoted) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) quoted = false;
    } else if (byte === QUOTE) quoted = true;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth += 1;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth -= 1;
    if (depth > MAX_DEPTH) return false;
  }
  return true;
}

/** Refuses clients that take no JSON. @throws Refusal 406 */
export function requireJsonAccepted(accept: string | undefined): void {
  if (accept === undefined || accept === '') return;
  const taken = accept.split(',').some((part) => {
    const [type = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
    const plain = !parameters.some((parameter) => /^(as|g|v)=/.test(parameter));
    return plain && ['application/json', 'application/*', '*/*'].includes(type);
  });
  if (!taken) throw new Refusal(406, 'only the following media types are accepted: application/json');
}
