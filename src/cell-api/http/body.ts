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
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'), (key, item) => {
      if (key === '__proto__') throw badRequest('the body has a key that no Kubernetes object has');
      return item;
    });
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw badRequest('the body is not JSON');
  }
  if (!isObject(value)) throw badRequest('the body is not an object');
  return value;
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
