import { beforeAll, describe, expect, test } from 'vitest';
import { readToken } from '../../../../../providers/aws-ec2/identity/token.ts';
import { MachineRoles } from '../../../../support/aws/machine-roles.ts';
import { proofOf, queryText, tokenOf } from '../../../../support/aws/presign.ts';

const NOW_MS = Date.UTC(2026, 5, 1, 12);
const TERMS = { region: 'eu-central-1', nowMs: NOW_MS };
const PREFIX = 'k8s-aws-v1.';

let token = '';
let url = '';

/** The token with something else in its query. */
function withQuery(change: Record<string, string | undefined>): string {
  const query: Record<string, string> = Object.fromEntries(new URL(url).searchParams);
  for (const [name, value] of Object.entries(change)) {
    if (value === undefined) delete query[name];
    else query[name] = value;
  }
  return tokenOf(`https://sts.eu-central-1.amazonaws.com/?${queryText(query)}`);
}

const rewritten = (from: string | RegExp, to: string) => tokenOf(url.replace(from, to));

beforeAll(async () => {
  const credentials = new MachineRoles().credentials('cells', 'i-0123456789abcdef0');
  const proof = { credentials, region: 'eu-central-1', clusterUid: 'c', keyFingerprint: 'f', atMs: NOW_MS };
  token = await proofOf(proof);
  url = Buffer.from(token.slice(PREFIX.length), 'base64url').toString();
});

describe('a token', () => {
  test('is read as what STS is to be asked, in one form', () => {
    const read = readToken(token, TERMS);
    const query = 'query' in read ? read.query : '';
    expect(Object.fromEntries(new URLSearchParams(query))).toEqual(Object.fromEntries(new URL(url).searchParams));
    expect(query).toContain('X-Amz-SignedHeaders=host%3Bx-nodeless-cell');
    const [first = '', ...others] = new URL(url).search.slice(1).split('&');
    expect(
      readToken(tokenOf(`https://sts.eu-central-1.amazonaws.com/?${[...others, first].join('&')}`), TERMS),
    ).toEqual(read);
  });

  test('of a region in China is for its STS', () => {
    const chinese = url.replaceAll('eu-central-1', 'cn-north-1').replace('amazonaws.com/', 'amazonaws.com.cn/');
    expect(readToken(tokenOf(chinese), { ...TERMS, region: 'cn-north-1' })).toHaveProperty('query');
  });

  test.each<[string, () => string]>([
    ['that is empty', () => ''],
    ['without the prefix', () => token.slice(PREFIX.length)],
    ['of another version', () => token.replace('v1', 'v2')],
    ['that is longer than any', () => token + 'A'.repeat(4_096)],
    ['that is no base64', () => `${PREFIX}%%%`],
    ['that is padded', () => `${token}=`],
    ['with a character that decoders skip', () => `${token.slice(0, 40)}\n${token.slice(40)}`],
    ['of another alphabet', () => PREFIX + Buffer.from(`${url}?>`).toString('base64')],
    ['that is no URL', () => tokenOf('GetCallerIdentity')],
    ['with a blank before the URL', () => tokenOf(` ${url}`)],
    ['with a line break in the URL', () => rewritten('?', '?\n')],
    ['by http', () => rewritten('https:', 'http:')],
    ['for another host', () => rewritten('sts.eu-central-1.amazonaws.com', 'example.com')],
    ['for a host that begins like STS', () => rewritten('amazonaws.com/', 'amazonaws.com.example.com/')],
    ['for a host that ends like STS', () => rewritten('https://', 'https://evil-')],
    ['for STS of another region', () => rewritten('sts.eu-central-1', 'sts.us-east-1')],
    ['for the global STS', () => rewritten('sts.eu-central-1', 'sts')],
    ['for STS behind a user', () => rewritten('https://', 'https://example.com@')],
    ['for another host that STS is the user of', () => rewritten('amazonaws.com/', 'amazonaws.com@example.com/')],
    ['for another port', () => rewritten('amazonaws.com/', 'amazonaws.com:8443/')],
    ['for another path', () => rewritten('/?', '/x?')],
    ['for a path that leads back', () => rewritten('/?', '/x/..//?')],
    ['with a fragment', () => tokenOf(`${url}#x`)],
    ['with a backslash for a slash', () => rewritten('.com/', '.com\\')],
    ['for another action', () => withQuery({ Action: 'AssumeRole' })],
    ['for an action that begins so', () => withQuery({ Action: 'GetCallerIdentityX' })],
    ['without an action', () => withQuery({ Action: undefined })],
    ['for another version', () => withQuery({ Version: '2010-01-01' })],
    ['with two actions', () => tokenOf(`${url}&Action=GetCallerIdentity`)],
    ['with another parameter', () => withQuery({ RoleArn: 'arn:aws:iam::1:role/admin' })],
    ['with a parameter that objects have', () => withQuery({ constructor: 'x' })],
    ['with a parameter in small letters', () => tokenOf(`${url}&action=AssumeRole`)],
    ['by another algorithm', () => withQuery({ 'X-Amz-Algorithm': 'AWS4-ECDSA-P256-SHA256' })],
    ['for another service', () => rewritten(/%2Fsts%2F/, '%2Fiam%2F')],
    ['for another region in its scope', () => rewritten(/%2Feu-central-1%2F/, '%2Fus-east-1%2F')],
    ['of another day in its scope', () => rewritten('%2F20260601%2F', '%2F20260531%2F')],
    ['without a session token, as a user has none', () => withQuery({ 'X-Amz-Security-Token': undefined })],
    ['without a signature', () => withQuery({ 'X-Amz-Signature': undefined })],
    ['with half a signature', () => withQuery({ 'X-Amz-Signature': 'ab' })],
    ['that signs no cluster and no key', () => withQuery({ 'X-Amz-SignedHeaders': 'host' })],
    ['that signs more', () => withQuery({ 'X-Amz-SignedHeaders': 'host;x-k8s-aws-id;x-nodeless-cell' })],
    ['that does not sign the host', () => withQuery({ 'X-Amz-SignedHeaders': 'x-nodeless-cell' })],
    ['that is good for a quarter of an hour', () => withQuery({ 'X-Amz-Expires': '900' })],
    ['that is good for no time', () => withQuery({ 'X-Amz-Expires': '0' })],
    ['that was good before it was signed', () => withQuery({ 'X-Amz-Expires': '-60' })],
    ['without a term', () => withQuery({ 'X-Amz-Expires': undefined })],
    ['of a day that is none', () => withQuery({ 'X-Amz-Date': '20260601T996000Z' })],
  ])('%s is refused', (_title, forged) => {
    expect(readToken(token, TERMS)).toHaveProperty('query');
    expect(readToken(forged(), TERMS)).toHaveProperty('refusal');
  });

  test('is good from a minute before it was signed until it expires', () => {
    const at = (offsetMs: number) => 'query' in readToken(token, { ...TERMS, nowMs: NOW_MS + offsetMs });
    expect([-60_001, -60_000, 0, 60_000, 60_001].map(at)).toEqual([false, true, true, true, false]);
  });
});
