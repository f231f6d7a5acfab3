import { quote } from '../../kubelet/shell.ts';
import {
  ALGORITHM,
  BINDING_HEADER,
  bindingOf,
  CALLER_IDENTITY,
  EMPTY_BODY_SHA256,
  SIGNED_HEADERS,
  stsHost,
  TOKEN_PREFIX,
  TOKEN_SECONDS,
} from '../identity/proof.ts';
import { IMDS } from './imds.ts';

export interface IdentityScriptOptions {
  readonly region: string;
  readonly clusterUid: string;
}

/**
 * The program that proves which machine it runs on, on standard output: a presigned GetCallerIdentity of the machine's
 * own role, for the key whose fingerprint it is given. openssl and curl, since every image has them: the AWS CLI takes
 * a second of CPU to start and is not in all images, and curl's own --aws-sigv4 signs headers, not URLs. It runs
 * before the first pod, so nobody reads the keys on its command lines but root.
 */
export function identityScript({ region, clusterUid }: IdentityScriptOptions): string {
  const { Action, Version } = CALLER_IDENTITY;
  const encodedHeaders = encodeURIComponent(SIGNED_HEADERS);
  return `#!/bin/sh
set -eu
host=${stsHost(region)}
binding=${quote(bindingOf(clusterUid, ''))}$1
imds=${IMDS}
session=$(curl -qsf -m 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' $imds/api/token)
meta() { curl -qsf -m 5 -H "X-aws-ec2-metadata-token: $session" "$imds/meta-data/iam/security-credentials/$1"; }
role=$(meta '' | head -n 1)
[ -n "$role" ] || { echo 'the machine has no role: give its CellClass an instanceProfile' >&2; exit 1; }
credentials=$(meta "$role" | tr -d '\\n')
field() { printf %s "$credentials" | sed -n 's/.*"'"$1"'" *: *"\\([^"]*\\)".*/\\1/p'; }
[ -n "$(field AccessKeyId)" ] || { echo "the machine's role $role gives no credentials" >&2; exit 1; }
encode() { sed 's,/,%2F,g; s/+/%2B/g; s/=/%3D/g'; }
sha() { openssl dgst -sha256 -hex | sed 's/.* //'; }
hmac() { openssl dgst -sha256 -mac HMAC -macopt "hexkey:$1" -hex | sed 's/.* //'; }

now=$(date -u +%Y%m%dT%H%M%SZ)
day=\${now%T*}
scope=$day/${region}/sts/aws4_request
query="Action=${Action}&Version=${Version}&X-Amz-Algorithm=${ALGORITHM}"
query="$query&X-Amz-Credential=$(printf %s "$(field AccessKeyId)/$scope" | encode)&X-Amz-Date=$now"
query="$query&X-Amz-Expires=${TOKEN_SECONDS}&X-Amz-Security-Token=$(field Token | tr -d '\\n' | encode)"
query="$query&X-Amz-SignedHeaders=${encodedHeaders}"
request=$(printf 'GET\\n/\\n%s\\nhost:%s\\n${BINDING_HEADER}:%s\\n\\n${SIGNED_HEADERS}\\n${EMPTY_BODY_SHA256}' \\
  "$query" "$host" "$binding" | sha)
key=$(printf 'AWS4%s' "$(field SecretAccessKey)" | od -An -v -tx1 | tr -d ' \\n')
for part in "$day" ${region} sts aws4_request; do key=$(printf %s "$part" | hmac "$key"); done
signature=$(printf '${ALGORITHM}\\n%s\\n%s\\n%s' "$now" "$scope" "$request" | hmac "$key")
printf %s "https://$host/?$query&X-Amz-Signature=$signature" | base64 -w 0 | tr '+/' '-_' | tr -d = |
  sed 's/^/${TOKEN_PREFIX}/'
`;
}
