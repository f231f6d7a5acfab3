import type { IncomingMessage } from 'node:http';

/** One request as AWS' clients send it. */
export interface AwsRequest {
  /** Such as `ec2`, of the signature's scope. */
  readonly service: string;
  readonly region: string;
  /** As IAM policies name it, such as `ec2:CreateFleet`. */
  readonly action: string;
  /** Of a query; empty of JSON protocols. */
  readonly params: ReadonlyMap<string, string>;
  readonly body: string;
}

const SCOPE = /Credential=[^/]+\/\d+\/([^/]+)\/([^/]+)\/aws4_request/;

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** Reads a request whole. */
export async function readRequest(request: IncomingMessage): Promise<AwsRequest> {
  const body = await bodyOf(request);
  const [, region = '', service = ''] = SCOPE.exec(request.headers.authorization ?? '') ?? [];
  const target = String(request.headers['x-amz-target'] ?? '').split('.')[1];
  const params = new Map(target === undefined ? new URLSearchParams(body) : []);
  return { service, region, action: `${service}:${target ?? params.get('Action') ?? ''}`, params, body };
}

export interface AwsAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export function xml(body: string, status = 200): AwsAnswer {
  return { status, contentType: 'text/xml;charset=UTF-8', body };
}

/** An error in EC2's own shape. */
export function ec2Error(status: number, code: string, message: string): AwsAnswer {
  const error = `<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return xml(
    `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors>${error}</Errors><RequestID>bed</RequestID></Response>`,
    status,
  );
}

/** An error in the shape of the services that speak JSON. */
export function jsonError(status: number, code: string, message: string): AwsAnswer {
  return { status, contentType: 'application/x-amz-json-1.1', body: JSON.stringify({ __type: code, message }) };
}
