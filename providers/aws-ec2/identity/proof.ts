import { createHash } from 'node:crypto';

/** What every token of this form begins with; aws-iam-authenticator's own, whose form it is. */
export const TOKEN_PREFIX = 'k8s-aws-v1.';

/** The signed header that binds a token to one cluster and one key. */
export const BINDING_HEADER = 'x-nodeless-cell';

/** Signed headers, in the order in which a signature names them. */
export const SIGNED_HEADERS = `host;${BINDING_HEADER}`;

/** How long a token is good; a cell makes one for each attempt. */
export const TOKEN_SECONDS = 60;

/** What a token asks STS, apart from who asks and when. */
export const CALLER_IDENTITY = { Action: 'GetCallerIdentity', Version: '2011-06-15' } as const;

export const ALGORITHM = 'AWS4-HMAC-SHA256';

/** SHA-256 of a body of nothing, which is what a signed GET has. */
export const EMPTY_BODY_SHA256 = createHash('sha256').digest('hex');

/** STS of a region. */
export function stsHost(region: string): string {
  return `sts.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
}

/** Value of the binding header for a key, whose fingerprint is at its end. */
export function bindingOf(clusterUid: string, keyFingerprint: string): string {
  return `${clusterUid}/${keyFingerprint}`;
}
