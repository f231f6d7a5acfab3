import type { IncomingHttpHeaders } from 'node:http';
import type { MachineRoles } from './machine-roles.ts';
import { presign } from './presign.ts';
import type { AwsAnswer } from './wire.ts';

/** STS takes a presigned request for so long, whatever it says of itself. */
const VALID_MS = 15 * 60_000;

function json(status: number, body: object): AwsAnswer {
  return { status, contentType: 'application/json', body: JSON.stringify(body) };
}

/** An error in the shape of STS, where it is asked for JSON. */
export function stsError(status: number, Code: string, Message: string): AwsAnswer {
  return json(status, { Error: { Code, Message, Type: 'Sender' }, RequestId: 'bed' });
}

function refused(code: string): AwsAnswer {
  return stsError(403, code, 'The request is not as it was signed');
}

/** Answers a presigned GetCallerIdentity as STS does: by the signature over what was really sent, headers included. */
export async function answerCallerIdentity(
  url: URL,
  headers: IncomingHttpHeaders,
  roles: MachineRoles,
): Promise<AwsAnswer> {
  const { 'X-Amz-Signature': signature, ...signed } = Object.fromEntries(url.searchParams);
  const credential = signed['X-Amz-Credential'] ?? '';
  const date = signed['X-Amz-Date'] ?? '';
  const [accessKeyId = '', , region = ''] = credential.split('/');
  const credentials = roles.find(accessKeyId);
  if (credentials === undefined || signed['X-Amz-Security-Token'] !== credentials.sessionToken) {
    return refused('InvalidClientTokenId');
  }
  const atMs = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  const names = (signed['X-Amz-SignedHeaders'] ?? '').split(';').filter((name) => name !== 'host');
  const expected = await presign({
    ...{ credentials, region, atMs },
    host: headers.host ?? '',
    query: { Action: signed.Action ?? '', Version: signed.Version ?? '' },
    headers: Object.fromEntries(names.map((name) => [name, String(headers[name] ?? '')])),
    expiresSeconds: Number(signed['X-Amz-Expires']),
  });
  if (expected['X-Amz-Signature'] !== signature) return refused('SignatureDoesNotMatch');
  if (Math.abs(Date.now() - atMs) > VALID_MS) return refused('SignatureDoesNotMatch');
  const [, , , , account = ''] = credentials.arn.split(':');
  const result = { Account: account, Arn: credentials.arn, UserId: `AROABED:${credentials.arn.split('/').at(-1)}` };
  return json(200, { GetCallerIdentityResponse: { GetCallerIdentityResult: result, ResponseMetadata: {} } });
}
